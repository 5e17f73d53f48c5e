import importlib
import logging
import subprocess
import sys

logger = importlib.import_module("nnabla.logger").logger


def run(program, cwd):
    done = subprocess.run([sys.executable, "-c", program], cwd=cwd, capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return done.stderr.splitlines()


LOGS = """
from nnabla.logger import logger
logger.debug('seen only in debug')
logger.info('hello %s', 'world')
logger.error('bad')
"""


def test_it_is_pythons_logger_of_that_name():
    assert logger is logging.getLogger("nnabla")
    assert logger.getEffectiveLevel() == logging.INFO


def test_console_shows_time_name_level_and_message(tmp_path):
    lines = run(LOGS, tmp_path)
    assert [line[len("2026-01-01 00:00:00,000 ") :] for line in lines] == [
        "[nnabla][INFO]: hello world",
        "[nnabla][ERROR]: bad",
    ]


def test_a_program_that_configures_logging_gets_each_message_once(tmp_path):
    lines = run("import logging\nlogging.basicConfig(format='mine %(message)s')" + LOGS, tmp_path)
    assert lines == ["mine hello world", "mine bad"]


def test_level_can_be_changed(tmp_path):
    lines = run("from nnabla.logger import logger\nlogger.setLevel('DEBUG')" + LOGS, tmp_path)
    assert len(lines) == 3


def test_a_log_file_gets_everything_and_the_console_its_own_level(tmp_path):
    (tmp_path / "nnabla.conf").write_text("[LOG]\nlog_file_name = all.log\nlog_console_level = ERROR\n")
    lines = run(LOGS, tmp_path)
    assert len(lines) == 1
    written = (tmp_path / "all.log").read_text().splitlines()
    assert [line.split(": ")[-1] for line in written] == [
        "seen only in debug",
        "hello world",
        "bad",
    ]


def test_a_log_file_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "nnabla.conf").write_text("[LOG]\nlog_file_name = missing/all.log\n")
    text = "\n".join(run(LOGS, tmp_path))
    assert "missing/all.log" in text
    assert "hello world" in text
