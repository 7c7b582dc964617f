#!/bin/sh
# Print the path of a Python that can make the project's environment, or say on standard error what is missing.
# PYTHON=... names one interpreter; then no other is tried.
set -u

probe='
import sys
if sys.version_info < (3, 11):
    print("old %d.%d.%d" % sys.version_info[:3])
elif sys.implementation.name != "cpython":
    print("other " + sys.implementation.name)
else:
    import importlib.util
    needed = ["ensurepip", "venv", "ssl", "sqlite3", "_sqlite3", "ctypes", "zlib", "bz2", "lzma"]
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    print("lacks " + ", ".join(missing) if missing else "good " + (getattr(sys, "_base_executable", "") or sys.executable))
'

if [ -n "${PYTHON:-}" ]; then
    set -- "$PYTHON"
else
    set -- python3.13 python3.12 python3.11 python3
fi
seen=""
for candidate do
    command -v "$candidate" >/dev/null 2>&1 || continue
    # A name on the PATH need not work: pyenv and similar tools put stand-ins there for versions that are not selected.
    answer=$("$candidate" -c "$probe" 2>/dev/null) || answer="broken"
    case $answer in
        good\ *) printf '%s\n' "${answer#good }"; exit 0 ;;
        old\ *) found="is version ${answer#old }, and 3.11 or newer is needed" ;;
        other\ *) found="is ${answer#other }, and the standard Python (CPython) is needed" ;;
        lacks\ *) found="lacks the modules ${answer#lacks }" ;;
        *) found="does not start" ;;
    esac
    seen="$seen
  $candidate $found"
done

{
    if [ -n "${PYTHON:-}" ] && [ -z "$seen" ]; then
        printf 'PYTHON=%s: there is no such command.\n' "$PYTHON"
    elif [ -n "$seen" ]; then
        printf 'No suitable Python. Found:%s\n' "$seen"
    else
        printf 'No Python found: none of python3.13, python3.12, python3.11, python3 is on the PATH.\n'
    fi
    case $seen in
        *ensurepip*) printf 'On Debian and Ubuntu the missing part comes with: apt-get install python3-venv\n' ;;
    esac
    printf 'Needed: Python 3.11 or newer with its whole standard library (Debian, Ubuntu: apt-get install python3 python3-venv;\n'
    printf 'macOS: brew install python@3.13; everywhere: https://www.python.org/downloads). One that is not on the PATH\n'
    printf 'can be named: make PYTHON=/path/to/python3\n'
} >&2
exit 1
