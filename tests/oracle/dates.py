"""The three date forms of RFC 9110 5.6.7, as microseconds since 1970."""

import re

DAYS = "Mon Tue Wed Thu Fri Sat Sun".split()
LONG_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
SECOND = 1_000_000

_TIME = r"([0-9]{2}):([0-9]{2}):([0-9]{2})"
_MONTH = "(" + "|".join(MONTHS) + ")"
_IMF = re.compile(rf"(?:{'|'.join(DAYS)}), ([0-9]{{2}}) {_MONTH} ([0-9]{{4}}) {_TIME} GMT", re.ASCII)
_RFC850 = re.compile(rf"(?:{'|'.join(LONG_DAYS)}), ([0-9]{{2}})-{_MONTH}-([0-9]{{2}}) {_TIME} GMT", re.ASCII)
_ASCTIME = re.compile(rf"(?:{'|'.join(DAYS)}) {_MONTH} ([0-9]{{2}}| [0-9]) {_TIME} ([0-9]{{4}})", re.ASCII)


def parse(text, now):
    """The instant, or None. `now` gives a two-digit year its century; without it such a date is none."""
    if match := _IMF.fullmatch(text):
        day, month, year, *time = match.groups()
        return instant(int(year), month, day, time)
    if match := _ASCTIME.fullmatch(text):
        month, day, *time, year = match.groups()
        return instant(int(year), month, day, time)
    if (match := _RFC850.fullmatch(text)) and now is not None:
        day, month, short, *time = match.groups()
        this_year = year_of(now)
        year = this_year // 100 * 100 + int(short)
        return instant(year - 100 if year > this_year + 50 else year, month, day, time)
    return None


def instant(year, month, day, time):
    month, day = MONTHS.index(month) + 1, int(day)
    hour, minute, second = map(int, time)
    if not 1 <= day <= days_in(year, month) or hour > 23 or minute > 59 or second > 60:
        return None
    seconds = (days_before(year) + sum(days_in(year, m) for m in range(1, month)) + day - 1) * 86_400
    return max(0, (seconds + hour * 3_600 + minute * 60 + second) * SECOND)


def days_before(year):
    """Days from 1970-01-01 to the first of January of a year, negative before."""
    def since_zero(y):
        y -= 1
        return y * 365 + y // 4 - y // 100 + y // 400
    return since_zero(year) - since_zero(1970)


def days_in(year, month):
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def year_of(now):
    days = now // (86_400 * SECOND)
    year = 1970 + days // 366
    while days_before(year + 1) <= days:
        year += 1
    return year
