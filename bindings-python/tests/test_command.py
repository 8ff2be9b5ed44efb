"""The program `undaunted`: what is Python's own of it. What it says is compared with Node's in tests/command_line.py."""

import io
import json
import os
import pty
import subprocess
import sys
from importlib.metadata import entry_points

from undaunted import Policy, lab
from undaunted._command import main


def test_it_runs_as_a_module_and_as_a_program():
    (script,) = entry_points(group="console_scripts", name="undaunted")
    assert script.load() is main
    done = subprocess.run([sys.executable, "-m", "undaunted", "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()[0], done.stderr) == (0, "undaunted", "")


def test_it_says_what_the_package_says(tmp_path, capsys):
    policy = Policy(attempts=4, timeout=10)
    file = tmp_path / "retry.json"
    file.write_text(policy.dump())
    told = {
        ("schedule", "--seed", "7"): policy.ladder(seed=7),
        ("lint",): policy.lint(),
        ("analyse", "--failure-rate", "0.5"): policy.analyse(failure_rate=0.5),
        ("explain", "503", "reset"): policy.explain([503, "reset"]),
    }
    for (name, *rest), report in told.items():
        assert main([name, str(file), *rest]) == 0
        assert capsys.readouterr().out == str(report).removesuffix("\n") + "\n"
        assert main([name, str(file), *rest, "--json"]) == 0
        assert capsys.readouterr().out == report.json() + "\n"


def test_converting_reads_the_environment(monkeypatch, capsys):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "7")
    assert main(["convert", "--from", "aws", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["policy"]["attempts"] == lab.convert(dict(os.environ), "aws").policy.attempts == 7


def test_a_simulation_shows_its_progress_on_a_terminal():
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "undaunted", "simulate", "preset:standard", "--clients", "50000"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=theirs) as running:
        os.close(theirs)
        out, _ = running.communicate()
        shown = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # how a terminal ends whose program has gone
                break
            if not piece:
                break
            shown += piece
    os.close(ours)
    assert out.decode().startswith("50 000 clients fail together") and "\r" not in out.decode()
    bars = shown.decode().split("\r")
    assert bars[1].startswith("█") or bars[1].startswith("░")
    assert bars[-1] == "\x1b[K" and any(bar.endswith(" 100 %") for bar in bars)


def test_a_reader_that_has_seen_enough_is_no_error():
    words = f"{sys.executable} -m undaunted schedule preset:standard --attempts 1000 | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", words], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("call_seed ")


def test_a_folder_is_no_policy(tmp_path, capsys):
    assert main(["lint", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"{tmp_path}: Is a directory; name a file that can be read\n"


def test_a_policy_comes_from_standard_input(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"jitter": "none"}')))
    assert main(["lint", "-", "--fail-on", "warning"]) == 1
    assert "jitter-none" in capsys.readouterr().out
