"""Finding, loading and refusing plugins of made-up distributions."""

import gc
import sys
import threading
import warnings
import weakref

import numpy as np
import pytest

import nnabla as nn
from nnabla.ext_utils import get_extension_context
from nnabla.ops import definition
from nnabla.plugins import (
    Command,
    PluginConflictError,
    PluginConflictWarning,
    PluginContractError,
    PluginError,
    PluginKindError,
    PluginLoadError,
    PluginManager,
    PluginNotFoundError,
    hookimpl,
)


@pytest.fixture
def manager():
    return PluginManager()


def status_of(manager, name, load=True):
    return [status for status in manager.statuses(load=load) if status.name == name]


class Direct(Command):
    name = "direct"

    def run(self, args):
        return 0


def test_names_are_known_without_importing_the_plugins(site, manager):
    module = site.command("hello")
    assert "hello" in manager.names("commands")
    assert "hello" not in manager.names("backends")
    assert module not in sys.modules


def test_a_plugin_is_imported_when_it_is_first_asked_for_and_its_hook_is_called_once(site, manager):
    module, other = site.command("hello"), site.command("unused")
    first = manager.get("commands", "hello")
    assert first.name == "hello"
    assert manager.get("commands", "hello") is first
    assert sys.modules[module].loads == [1]
    assert other not in sys.modules


def test_entry_points_are_read_once(site, manager):
    site.command("hello")
    manager.names("commands")
    site.command("late")
    assert "late" not in manager.names("commands")
    assert "late" in PluginManager().names("commands")


def test_an_entry_point_may_name_an_object_of_a_module(site, manager):
    module = site.module(
        """
        from nnabla.plugins import Command, hookimpl

        class Example(Command):
            def __init__(self, name):
                self.name = name
            def run(self, args):
                return 0

        class Plugin:
            def __init__(self, name):
                self.made = Example(name)
            @hookimpl
            def nnabla_contract_version(self):
                return 1
            @hookimpl
            def nnabla_command(self):
                return self.made

        one, two = Plugin("one"), Plugin("two")
        """
    )
    site.distribution("pair", commands={"one": f"{module}:one", "two": f"{module}:two"})
    assert manager.get("commands", "one").name == "one"
    assert manager.get("commands", "two").name == "two"


@pytest.mark.parametrize(
    ("kind", "name", "help_text"),
    [
        ("backends", "tpu", "`pip install nnabla-ext-tpu`"),
        ("parameter_formats", "nntxt", "`pip install nnabla-io`"),
        ("parameter_formats", "xyz", "entry point of group 'nnabla.formats.parameters'"),
        ("commands", "trainx", "`pip install nnabla-cli`"),
        ("operators", "Warp", "entry point of group 'nnabla.operators'"),
        ("communicators", "smoke", "entry point of group 'nnabla.communicators'"),
        ("backends", "../evil", "entry point of group 'nnabla.backends'"),
    ],
)
def test_a_missing_plugin_is_named_with_what_would_bring_it(manager, kind, name, help_text):
    with pytest.raises(PluginNotFoundError) as caught:
        manager.get(kind, name)
    assert f"{name!r} is not installed" in str(caught.value)
    assert help_text in str(caught.value)
    assert caught.value.name == name
    assert isinstance(caught.value, ModuleNotFoundError)
    assert isinstance(caught.value, RuntimeError)


def test_a_missing_plugins_error_lists_those_installed_and_suggests_a_near_name(site, manager):
    site.command("hello")
    with pytest.raises(PluginNotFoundError, match=r"installed: .*hello.*did you mean .hello.\?"):
        manager.get("commands", "helo")


def test_an_unknown_kind_is_named_with_those_there_are(manager):
    for call in (
        lambda: manager.get("wheels", "x"),
        lambda: manager.names("wheels"),
        lambda: manager.register("wheels", "x", Direct()),
        lambda: manager.unregister("wheels", "x"),
    ):
        with pytest.raises(PluginKindError, match=r"'wheels' is not a kind of plugin.*backends"):
            call()


HEAD = "from nnabla.plugins import Command, hookimpl\n"
VERSION = "@hookimpl\ndef nnabla_contract_version():\n    return 1\n"
BROKEN = {
    "import": ("raise OSError('no driver')", PluginLoadError, "imported: OSError: no driver"),
    "dependency": (
        "import not_there_at_all",
        PluginLoadError,
        "No module named 'not_there_at_all'",
    ),
    "syntax": ("def :", PluginLoadError, "SyntaxError"),
    "exits": ("raise SystemExit(3)", PluginLoadError, "SystemExit: 3"),
    "empty": ("", PluginContractError, r"does not implement nnabla_contract_version\(\)"),
    "older": (
        HEAD + VERSION.replace("1", "0"),
        PluginContractError,
        "contract version 0, this nnabla-core has version 1; upgrade the plugin",
    ),
    "newer": (
        HEAD + VERSION.replace("1", "2"),
        PluginContractError,
        "contract version 2, this nnabla-core has version 1; upgrade nnabla-core",
    ),
    "version_text": (HEAD + VERSION.replace("1", "'1'"), PluginContractError, "returned str '1'"),
    "version_bool": (
        HEAD + VERSION.replace("1", "True"),
        PluginContractError,
        "returned bool True",
    ),
    "version_raises": (HEAD + VERSION.replace("1", "1 / 0"), PluginLoadError, "ZeroDivisionError"),
    "no_hook": (HEAD + VERSION, PluginContractError, r"does not implement nnabla_command\(\)"),
    "raises": (
        HEAD + VERSION + "@hookimpl\ndef nnabla_command():\n    raise KeyError('k')\n",
        PluginLoadError,
        r"nnabla_command\(\) raised: KeyError: 'k'",
    ),
    "nothing": (
        HEAD + VERSION + "@hookimpl\ndef nnabla_command():\n    pass\n",
        PluginContractError,
        r"returned NoneType None, expected nnabla.plugins.command.Command",
    ),
    "garbage": (
        HEAD + VERSION + "@hookimpl\ndef nnabla_command():\n    return 'x' * 1000\n",
        PluginContractError,
        r"returned str 'xx.*\.\.\., expected",
    ),
    "misspelt": (
        HEAD + VERSION + "@hookimpl\ndef nnabla_comand():\n    return None\n",
        PluginContractError,
        "unknown hook 'nnabla_comand'",
    ),
    "signature": (
        HEAD + VERSION + "@hookimpl\ndef nnabla_command(what):\n    return None\n",
        PluginContractError,
        "does not fit its specification.*what",
    ),
    "other_name": (
        HEAD
        + VERSION
        + "class C(Command):\n    name = 'else'\n    def run(self, args): pass\n"
        + "@hookimpl\ndef nnabla_command():\n    return C()\n",
        PluginContractError,
        "calls itself 'else', but its entry point is named 'other_name'",
    ),
    "no_suffixes": (
        HEAD
        + VERSION
        + "class C(Command):\n    suffixes = None\n    def run(self, args): pass\n"
        + "@hookimpl\ndef nnabla_command():\n    return C()\n",
        PluginContractError,
        "its name or suffixes cannot be read: TypeError",
    ),
    "no_text": (
        HEAD
        + VERSION
        + "class E(Exception):\n    def __str__(self): raise OSError\n    __repr__ = __str__\n"
        + "@hookimpl\ndef nnabla_command():\n    raise E()\n",
        PluginLoadError,
        r"nnabla_command\(\) raised: E: \(no text: OSError\)",
    ),
    "no_repr": (
        HEAD
        + VERSION
        + "class C:\n    def __repr__(self): raise OSError\n"
        + "@hookimpl\ndef nnabla_command():\n    return C()\n",
        PluginContractError,
        r"returned C \(no text: OSError\), expected",
    ),
}


@pytest.mark.parametrize("way", BROKEN)
def test_a_broken_plugin_says_why_and_breaks_no_other(site, manager, way):
    code, error, message = BROKEN[way]
    site.command(way, code)
    site.command("sound")
    assert manager.get("commands", "sound").name == "sound"
    assert {way, "sound"} <= set(manager.names("commands"))
    assert status_of(manager, way, load=False)[0].state == "not loaded"
    for _ in range(2):
        with pytest.raises(error, match=rf"(?s){way}.*{message}") as caught:
            manager.get("commands", way)
        assert f"command '{way}' of dist-{way} 1.0" in str(caught.value)
    (status,) = status_of(manager, way)
    assert (status.state, status.reason) == ("failed", str(caught.value))
    assert (status.distribution, status.version) == (f"dist-{way}", "1.0")
    assert status_of(manager, "sound")[0].state == "loaded"


def test_the_cause_of_a_failed_import_is_kept_and_its_traceback_shown_as_text(site, manager):
    module = site.command("broken", "def fail():\n    raise OSError('no driver')\nfail()\n")
    with pytest.raises(PluginLoadError) as caught:
        manager.get("commands", "broken")
    assert isinstance(caught.value.__cause__, OSError)
    assert isinstance(caught.value, ImportError)
    assert f'{module}.py", line 2, in fail' in caught.value.details
    assert status_of(manager, "broken")[0].details == caught.value.details


def test_a_broken_plugin_is_not_imported_again(site, manager):
    site.command("broken", "import sys\nsys.tries = getattr(sys, 'tries', 0) + 1\nraise OSError\n")
    try:
        for _ in range(3):
            with pytest.raises(PluginLoadError):
                manager.get("commands", "broken")
        assert sys.tries == 1
    finally:
        del sys.tries


def test_a_broken_plugin_does_not_keep_its_callers_variables_alive(site, manager):
    site.command("broken", "raise OSError('no driver')")

    class Big:
        pass

    def fall_back():
        big = Big()
        try:
            manager.get("commands", "broken")
        except PluginError:
            return weakref.ref(big)

    reference = fall_back()
    gc.collect()  # an exception and the frame that caught it are a cycle
    assert reference() is None


def test_the_exception_that_a_caller_is_handling_stays_as_it_is(site, manager):
    site.command("broken", "raise OSError('no driver')")
    try:
        raise ValueError("the caller's own")
    except ValueError as own:
        with pytest.raises(PluginLoadError) as caught:
            manager.get("commands", "broken")
        assert own.__traceback__ is not None
        assert caught.value.__cause__.__context__ is None


@pytest.mark.parametrize("same_module", [False, True])
def test_two_distributions_with_one_name_are_a_conflict_that_names_both(site, manager, same_module):
    first = second = site.command("same", distribution="dist-a")
    if same_module:
        site.distribution("dist-b", commands={"same": first})
    else:
        second = site.command("same", distribution="dist-b")
    site.command("sound")
    with pytest.raises(PluginConflictError) as caught:
        manager.get("commands", "same")
    for part in ("'same'", "dist-a 1.0", "dist-b 1.0", "uninstall all of them but one"):
        assert part in str(caught.value)
    assert first not in sys.modules and second not in sys.modules
    statuses = status_of(manager, "same")
    assert sorted(s.distribution for s in statuses) == ["dist-a", "dist-b"]
    assert {(s.state, s.reason) for s in statuses} == {("failed", str(caught.value))}
    assert manager.get("commands", "sound").name == "sound"


GOOD_FORMAT = """
from nnabla.plugins import ParameterFormat, hookimpl

class Example(ParameterFormat):
    suffixes = (".fmt", ".h5")
    def save(self, file, records): pass
    def load(self, file): return []

@hookimpl
def nnabla_contract_version():
    return 1

@hookimpl
def nnabla_parameter_format():
    return Example()
"""


@pytest.mark.parametrize(
    ("name", "distributions", "used"),
    [
        ("fmt", ["Zeta", "alpha_b", "alpha.c"], "alpha_b"),  # by name, compared as package indexes do
        ("h5", ["alpha", "NNabla_IO", "zeta"], "NNabla_IO"),  # that which the core would have named
    ],
)
def test_of_two_that_claim_a_format_the_first_in_order_is_used_with_a_warning(
    tmp_path, monkeypatch, manager, site, name, distributions, used
):
    modules = {d: site.module(GOOD_FORMAT) for d in distributions}
    for distribution, module in modules.items():
        site.distribution(distribution, formats_parameters={name: module})
    with pytest.warns(PluginConflictWarning) as caught:
        found = manager.get("parameter_formats", name)
    assert type(found).__module__ == modules[used]
    message = str(caught[0].message)
    assert message.startswith(f"parameter format {name!r} is offered by {used} 1.0 (")
    assert all(f"{d} 1.0" in message for d in distributions)
    assert message.endswith(f"{used} 1.0's is used; uninstall what is not wanted")
    assert [module for module in modules.values() if module in sys.modules] == [modules[used]]
    states = {s.distribution: (s.state, s.reason) for s in status_of(manager, name) if s.distribution in modules}
    assert states.pop(used) == ("loaded", "")
    assert set(states.values()) == {("hidden", f"{used} 1.0 offers it too and comes first")}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert manager.get("parameter_formats", name) is found  # warned of once


def test_of_two_that_claim_an_operator_the_first_in_order_is_used_with_a_warning(site, manager):
    code = """
    from nnabla.ops.definition import operator
    from nnabla.ops.spec import Float
    from nnabla.plugins import hookimpl

    @operator("TwiceClaimed")
    def twice_claimed(x: Float):
        return x + {amount}

    @hookimpl
    def nnabla_contract_version():
        return 1

    @hookimpl
    def nnabla_operator():
        return twice_claimed
    """
    for distribution, amount in (("beta", "2"), ("alpha", "1")):
        module = site.module(code.replace("{amount}", amount))
        site.distribution(distribution, operators={"TwiceClaimed": module})
    with pytest.warns(PluginConflictWarning, match=r"plugin operator 'TwiceClaimed'.*alpha 1\.0's is used"):
        operator = manager.get("operators", "TwiceClaimed")
    x = nn.NdArray.from_numpy_array(np.zeros(2))
    try:
        with nn.context_scope(get_extension_context("cpu")):
            assert operator(x).data.tolist() == [1, 1]
    finally:
        del definition._OPERATORS["TwiceClaimed"]


def test_an_operator_of_the_core_cannot_be_claimed(site, manager):
    from nnabla.ops.definition import find_operator

    before = find_operator("Tanh")
    head = "from nnabla.ops.definition import operator\nfrom nnabla.ops.spec import Float\n"
    module = site.module(head + "@operator('Tanh')\ndef tanh(x: Float):\n    return x\n")
    site.distribution("impostor", operators={"Tanh": module})
    with pytest.raises(PluginLoadError, match=r"impostor 1\.0 .*already defined by nnabla\.ops"):
        manager.get("operators", "Tanh")
    assert find_operator("Tanh") is before


def test_a_broken_winner_is_not_replaced_by_the_next_in_order(site, manager):
    site.distribution("alpha", formats_parameters={"fmt": site.module("raise OSError('cut')")})
    site.distribution("beta", formats_parameters={"fmt": site.module(GOOD_FORMAT)})
    with pytest.warns(PluginConflictWarning), pytest.raises(PluginLoadError, match=r"alpha 1\.0 .*OSError: cut"):
        manager.get("parameter_formats", "fmt")


def test_a_distribution_found_twice_counts_once_where_it_is_first(tmp_path, monkeypatch, manager):
    folders = [tmp_path / "later", tmp_path / "earlier"]
    for number, folder in enumerate(folders):
        info = folder / "twice-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: Twice\nVersion: {number}\n")
        (info / "entry_points.txt").write_text(f"[nnabla.commands]\ntwice = nowhere_{number}\n")
        monkeypatch.syspath_prepend(folder)
    (status,) = status_of(manager, "twice", load=False)
    assert (status.version, status.state) == ("1", "not loaded")


def test_a_distribution_with_unreadable_entry_points_is_listed_and_hides_no_other(site, manager):
    site.command("sound")
    info = site.distribution("damaged")
    (info / "entry_points.txt").write_bytes(b"[nnabla.commands]\nx = \xff\xfe\n")
    assert manager.get("commands", "sound").name == "sound"
    assert [s for s in manager.statuses() if s.kind == "?" and s.state == "failed"]


def test_many_threads_get_one_object_from_one_load(site, manager, good_command):
    module = site.command("slow", "import time; time.sleep(0.05)\n" + good_command)
    barrier, found = threading.Barrier(8), []

    def ask():
        barrier.wait()
        found.append(manager.get("commands", "slow"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len(set(map(id, found))) == 1
    assert sys.modules[module].loads == [1]


def test_a_plugin_may_load_another_but_not_itself(site, good_command):
    from nnabla.plugins import plugins

    for name in ("base", "derived", "selfish"):
        assert name not in plugins.names("commands")  # read before the distributions are written
    ask = "from nnabla.plugins import plugins\nplugins.get('commands', {!r})\n"
    base, derived = Direct(), site.module(ask.format("base"))
    selfish = site.module(ask.format("selfish"))
    base.name = "base"
    plugins.register("commands", "base", base)
    plugins.register("commands", "derived", Importing(derived))
    plugins.register("commands", "selfish", Importing(selfish))
    try:
        assert plugins.get("commands", "derived").name == "derived"
        with pytest.raises(PluginLoadError, match="'selfish' asks for itself while it is loaded"):
            plugins.get("commands", "selfish")
    finally:
        for name in ("base", "derived", "selfish"):
            plugins.unregister("commands", name)


class Importing:
    """A plugin that imports a module when it is loaded."""

    def __init__(self, module):
        self.module = module

    @hookimpl
    def nnabla_contract_version(self):
        return 1

    @hookimpl
    def nnabla_command(self):
        __import__(self.module)
        made = Direct()
        made.name = "derived"
        return made


def test_a_registered_object_is_found_until_it_is_unregistered(manager):
    plugin = Direct()
    manager.register("commands", "direct", plugin)
    assert "direct" in manager.names("commands")
    assert manager.get("commands", "direct") is plugin
    (status,) = status_of(manager, "direct")
    assert (status.distribution, status.state) == ("(this process)", "loaded")
    manager.unregister("commands", "direct")
    assert "direct" not in manager.names("commands")
    with pytest.raises(PluginNotFoundError):
        manager.get("commands", "direct")


def test_a_registered_plugin_with_hooks_is_held_to_the_contract(manager):
    manager.register("commands", "wrong", Importing("sys"))
    with pytest.raises(PluginContractError, match="calls itself 'derived'"):
        manager.get("commands", "wrong")
    manager.register("commands", "nothing", object())
    with pytest.raises(PluginContractError, match="does not implement nnabla_contract_version"):
        manager.get("commands", "nothing")


def test_a_taken_name_cannot_be_registered(site, manager):
    site.command("hello")
    manager.register("commands", "direct", Direct())
    for name in ("hello", "direct"):
        with pytest.raises(PluginConflictError, match=f"'{name}' exists already"):
            manager.register("commands", name, Direct())


def test_only_what_was_registered_can_be_unregistered(site, manager):
    site.command("hello")
    with pytest.raises(PluginNotFoundError, match="'hello' was not registered"):
        manager.unregister("commands", "hello")


def test_a_kind_that_this_contract_does_not_define_yet_is_refused_with_that_reason(site, manager):
    site.distribution("future", communicators={"mpi9": "nowhere"})
    assert "mpi9" in manager.names("communicators")
    with pytest.raises(PluginContractError, match="contract version 1 has no communicators"):
        manager.get("communicators", "mpi9")
