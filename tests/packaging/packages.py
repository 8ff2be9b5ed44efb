"""Makes what is published and uses it as a stranger would, in empty folders: `package: WHAT: ok`, line by line."""

import contents
import crate
import dist
import js_package
import python_package
import wasm


def main() -> None:
    dist.show(dist.make())
    contents.check()
    python_package.check_wheel()
    js_package.check_node()
    js_package.check_browser()
    wasm.check()
    crate.check()
    python_package.check_sdist()


if __name__ == "__main__":
    main()
