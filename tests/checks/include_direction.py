#!/usr/bin/env python3
"""Which layer may include which (docs/architecture.md): the arrows, kept by a test.

    include_direction.py SRC        lists the offenders in the tree SRC; exits 1 when there are any

Looks through the project's own headers: what a layer must not know it must not get by way of another's header either.
"""
import pathlib
import re
import sys

# A file belongs to the longest prefix that fits.   May include the project's:                 Must never see:
LAYERS = {
    "common/":        (("common/",),                                                            ("sqlite",)),
    "client/":        (("client/", "common/"),                                                  ("sqlite",)),
    "server/auth/":   (("server/auth/", "common/"),                                             ("asio", "sqlite")),
    "server/store/":  (("server/store/", "server/auth/", "common/"),                            ("asio",)),
    "server/login/":  (("server/login/", "server/auth/", "common/"),                            ("tls", "sqlite")),
    "server/net/":    (("server/net/", "server/login/", "server/auth/", "common/"),             ("sqlite",)),
    "server/verify/": (("server/verify/", "server/net/", "server/auth/", "server/token_answer.hpp", "common/"), ("sqlite",)),
    "server/web/":    (("server/web/", "server/net/", "server/login/", "server/auth/", "common/"), ("sqlite",)),
    "server/admin/":  (("server/admin/", "server/store/", "server/auth/", "server/*", "common/"), ("asio", "sqlite")),
    "server/":        (("server/", "common/"),                                                  ("sqlite",)),
}  # fmt: skip
FOREIGN = {
    "asio": re.compile(r"boost/(asio|beast)\b"),
    "tls": re.compile(r"openssl/ssl"),
    "sqlite": re.compile(r"sqlite3|SQLiteCpp"),
}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def layer_of(name):
    return max((prefix for prefix in LAYERS if name.startswith(prefix)), key=len, default=None)


def allows(pattern, name):
    """`server/*` is what lies in server/ itself; `server/auth/` is all below it."""
    if pattern.endswith("*"):
        return str(pathlib.PurePosixPath(name).parent) + "/" == pattern[:-1]
    return name.startswith(pattern)


def read_includes(tree):
    files = (f for f in tree.rglob("*") if f.suffix in {".cpp", ".hpp", ".h", ".in"})
    return {f.relative_to(tree).as_posix(): [i[1] for i in INCLUDE.findall(f.read_text())] for f in files}


def foreign_ways(name, includes):
    """(what, by way of which project headers) for every foreign library that `name` gets to see."""
    ways, queue = {}, [(name, (name,))]
    seen = {name}
    while queue:
        file, way = queue.pop(0)
        for header in includes[file]:
            for what, pattern in FOREIGN.items():
                if pattern.match(header):
                    ways.setdefault(what, way + (header,))
            if header in includes and header not in seen:
                seen.add(header)
                queue.append((header, way + (header,)))
    return ways


def offenders(tree):
    includes = read_includes(tree)
    for name in sorted(includes):
        layer = layer_of(name)
        if layer is None:
            yield f"{name}: belongs to no layer: add it to LAYERS"
            continue
        may, never = LAYERS[layer]
        for header in includes[name]:
            own = layer_of(header) is not None
            if own and not any(allows(pattern, header) for pattern in may):
                yield f"{name}: includes {header}, and {layer} may include only {', '.join(may)}"
        for what, way in foreign_ways(name, includes).items():
            if what in never:
                yield f"{name}: {layer} must not know {what}: {' -> '.join(way)}"


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 64
    tree = pathlib.Path(sys.argv[1])
    if not read_includes(tree):
        print(f"include_direction: {tree}: no sources there", file=sys.stderr)
        return 1
    found = list(offenders(tree))
    print("\n".join(found) if found else f"{tree}: every include points the right way")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
