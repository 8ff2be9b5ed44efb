"""A bulkhead with its waiters in a list: at most so many in, so many waiting, first come, first served."""


class Bulkhead:
    def __init__(self, options):
        self.limit, self.queue = options["limit"], options["queue"]
        self.inside, self.line = set(), []
        self.tickets = 0

    def enter(self, name):
        ticket = 0
        if len(self.inside) < self.limit:
            self.inside.add(name)
            entry = "admitted"
        elif len(self.line) < self.queue:
            self.line.append(name)
            self.tickets += 1
            entry, ticket = "waiting", self.tickets
        else:
            entry = "refused"
        return {"entry": entry, "ticket": ticket, **self.counts()}

    def end(self, name):
        """Whoever it is goes: out of the line, or from inside, where the first of the line takes the place."""
        admitted = None
        if name in self.line:
            self.line.remove(name)
        elif name in self.inside:
            self.inside.remove(name)
            if self.line:
                admitted = self.line.pop(0)
                self.inside.add(admitted)
        return {"next": admitted, **self.counts()}

    def counts(self):
        return {"running": len(self.inside), "waiting": len(self.line)}


def run(options, seed, steps):
    bulkhead = Bulkhead(options)
    for step in steps:
        yield bulkhead.enter(step["enter"]) if "enter" in step else bulkhead.end(step["end"])
