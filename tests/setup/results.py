"""What a run of the tests came to: results.py JUNIT SKIPS [--everything-installed] [--slowest N]

Reads nextest's report and the list of reasons for which a test may be skipped. Says on standard error which tests were
skipped or took longest; prints `PASSED FAILED SKIPPED`. A skip for a reason that is not on the list is a failure.
"""

import argparse
import fnmatch
import re
import sys
import xml.etree.ElementTree


def reasons(file, everything_installed):
    """The patterns of the reasons that count on this machine."""
    found = []
    for line in open(file, encoding="utf-8"):
        if line.strip() and not line.startswith("#"):
            when, pattern = (part.strip() for part in line.split("|", 1))
            if when not in ("always", "elsewhere"):
                sys.exit(f"{file}: '{when}' is neither always nor elsewhere")
            if when == "always" or not everything_installed:
                found.append(pattern)
    return found


def name(case):
    return f"{case.get('classname')} {case.get('name')}"


def said(case):
    """The reasons for which a test says that it, or a part of it, is skipped."""
    output = "\n".join(part.text or "" for part in case if part.tag in ("system-out", "system-err"))
    return [found.strip() for found in re.findall(r"SKIPPED: (.*)", output)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("junit")
    parser.add_argument("skips")
    parser.add_argument("--everything-installed", action="store_true")
    parser.add_argument("--slowest", type=int, default=0)
    wanted = parser.parse_args()
    allowed = reasons(wanted.skips, wanted.everything_installed)
    cases = list(xml.etree.ElementTree.parse(wanted.junit).iter("testcase"))
    passed = failed = skipped = 0
    for case in cases:
        strange = [why for why in said(case) if not any(fnmatch.fnmatchcase(why, pattern) for pattern in allowed)]
        if any(part.tag in ("failure", "error") for part in case):
            failed += 1
        elif strange:
            failed += 1
            print(f"    {name(case)}: fails, since it was skipped for a reason that tests/skips.txt does not allow here: "
                  f"{'; '.join(strange)}", file=sys.stderr)
        elif said(case):
            skipped += 1
            print(f"    {name(case)}: skipped: {'; '.join(said(case))}", file=sys.stderr)
        else:
            passed += 1
    slowest = sorted(cases, key=lambda case: -float(case.get("time", 0)))[: wanted.slowest]
    if slowest:
        print("    The slowest:", file=sys.stderr)
    for case in slowest:
        print(f"    {float(case.get('time', 0)):7.1f} s  {name(case)}", file=sys.stderr)
    print(passed, failed, skipped)


main()
