import subprocess
import sys

import pytest

from nnabla.config import nnabla_config


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("DATA_ITERATOR", "cache_file_format", ".npy"),
        ("DATA_ITERATOR", "data_source_file_cache_num_of_threads", "10"),
        ("DATA_ITERATOR", "cache_file_cache_num_of_threads", "4"),
        ("DATA_ITERATOR", "data_source_file_cache_size", "100"),
        ("DATA_ITERATOR", "data_source_file_cache_location", ""),
        ("LOG", "log_console_level", "INFO"),
        ("MISC", "misc_show_progress", "True"),
        ("MISC", "nnp_param_format", ".h5"),
        ("CALLBACK", "util_callback_module", ""),
        ("CHECKPOINT", "optimizer_interval", "5"),
    ],
)
def test_defaults(section, key, value):
    assert nnabla_config.get(section, key) == value


def test_values_can_be_set():
    before = nnabla_config.get("DATA_ITERATOR", "cache_file_format")
    nnabla_config.set("DATA_ITERATOR", "cache_file_format", ".h5")
    assert nnabla_config.get("DATA_ITERATOR", "cache_file_format") == ".h5"
    nnabla_config.set("DATA_ITERATOR", "cache_file_format", before)


def values_read_in(folder, home, *keys):
    program = "from nnabla.config import nnabla_config as c\n" + "\n".join(
        f"print(c.get({section!r}, {key!r}))" for section, key in keys
    )
    environment = {"HOME": str(home), "APPDATA": str(home), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines(), done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="the user's file has another place")
def test_the_local_file_overrides_the_users_file(tmp_path):
    home, folder = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    folder.mkdir()
    (home / ".nnabla").write_text("[MISC]\nnnp_param_format = .protobuf\n[MINE]\nkey = home\n")
    (folder / "nnabla.conf").write_text("[MINE]\nkey = local\n")
    values, _ = values_read_in(
        folder,
        home,
        ("MISC", "nnp_param_format"),
        ("MINE", "key"),
        ("CHECKPOINT", "optimizer_interval"),
    )
    assert values == [".protobuf", "local", "5"]


@pytest.mark.parametrize("content", [b"no section\n", b"[MISC]\nnnp_param_format = \xff\n"])
def test_a_damaged_file_is_named_and_left_out(tmp_path, content):
    (tmp_path / "nnabla.conf").write_bytes(content)
    values, errors = values_read_in(tmp_path, tmp_path, ("MISC", "nnp_param_format"))
    assert values == [".h5"]
    assert "nnabla.conf" in errors
