"""Random response headers with a hint in them, or nearly."""

import dates

S = 1_000_000
SHORT, LONG = dates.DAYS, dates.LONG_DAYS


def hint(dice):
    now = None if dice.chance(10) else dice.pick((784_111_777 * S, 1_767_225_600 * S, dice.magnitude(4 * 10**15)))
    near = (now or 784_111_777 * S) // S
    headers = [header(dice, near) for _ in range(dice.between(1, 4))]
    if dice.chance(40):
        headers.append(["Date", date(dice, near + dice.between(-100, 100))])
    if dice.chance(30):
        headers.append(["x-ratelimit-remaining", dice.pick(("0", "00", "1", "", "0.0"))])
    return {"kind": "hint", "headers": headers, "now": now}


def header(dice, near):
    name = dice.pick(("retry-after-ms", "x-ms-retry-after-ms", "x-amz-retry-after", "Retry-After", "retry-after", "Retry-After", "RateLimit", "x-ratelimit-reset", "grpc-retry-pushback-ms",
                      "x-should-retry", "stripe-should-retry"))
    if name in ("x-should-retry", "stripe-should-retry"):
        return [name, dice.pick(("true", "false", "TRUE", "yes", ""))]
    if name == "RateLimit":
        return [name, ", ".join(item(dice) for _ in range(dice.between(1, 3)))]
    value = date(dice, max(0, near + dice.between(-1_000, 100_000))) if dice.chance(40) else number(dice, near)
    return [name, dice.pick(("", "", "", " ", "\t")) + value + dice.pick(("", "", "", " "))]


def item(dice):
    return dice.pick(('"a"', '"a,b;r=0"', "tok", '"q\\"x"', "", '"open')) + "".join(
        dice.pick((f";r={dice.up_to(1)}", ";r=0", f";t={dice.magnitude(10**10)}", f"; t={dice.up_to(99)}", ";w=60", ";t=x", ";")) for _ in range(dice.between(1, 4)))


def number(dice, near):
    whole = dice.pick((dice.magnitude(100), dice.magnitude(10**12), near + dice.up_to(1_000), (near + dice.up_to(1_000)) * 1_000, 10**8, 10**11, 10 ** dice.between(9, 40)))
    return dice.pick(("", "", "", "", "", "-", "+", "0")) + str(whole) + dice.pick(("", "", "", "", f".{dice.magnitude(10**9)}", ".", ".0", "s"))


def date(dice, seconds):
    """One of the three forms, now and then broken."""
    seconds = max(0, seconds)
    days, rest = divmod(seconds, 86_400)
    year = dates.year_of(seconds * S)
    day, month = days - dates.days_before(year), 1
    while day >= dates.days_in(year, month):
        day -= dates.days_in(year, month)
        month += 1
    day, weekday, name = day + 1, (days + 3) % 7, dates.MONTHS[month - 1]
    time = f"{rest // 3_600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    written = dice.pick((
        f"{SHORT[weekday]}, {day:02} {name} {year:04} {time} GMT",
        f"{LONG[weekday]}, {day:02}-{name}-{year % 100:02} {time} GMT",
        f"{SHORT[weekday]} {name} {day:2} {time} {year:04}",
    ))
    if dice.chance(12):
        at = dice.up_to(len(written) - 1)
        written = written[:at] + dice.pick(("", " ", "9", "x")) + written[at + 1:]
    return written
