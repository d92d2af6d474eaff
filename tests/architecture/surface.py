"""What is public: every name that a host may rest on, read from the source without importing it.

``python -m tests.architecture.surface`` writes it to ``public_names.txt``, one name per line.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

SUITE = "django_digitalstore"
SOURCE = Path(__file__).resolve().parents[2] / "src" / SUITE
SNAPSHOT = Path(__file__).with_name("public_names.txt")

Definition = ast.FunctionDef | ast.AsyncFunctionDef


def modules() -> dict[str, Path]:
    """Return dotted name → file of the modules, without migrations and private ones."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        if parts[-1] == "__init__":
            parts = parts[:-1]
        if "migrations" not in parts and not any(part.startswith("_") for part in parts):
            found[".".join(parts)] = path
    return found


@cache
def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


def all_of(file: Path) -> list[str]:
    """Return the module's ``__all__``, empty where it has none."""
    for node in parsed(file).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return []


# --- functions, classes and their hooks -------------------------------------------------------


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield what a body defines, also in its ``if`` and ``try``."""
    for node in body:
        if isinstance(node, ast.If | ast.Try):
            yield from statements([*node.body, *node.orelse])
        else:
            yield node


def signature(function: Definition) -> str:
    """Return the arguments as a caller writes them: names, and which may be left out."""
    given = function.args
    positional = [*given.posonlyargs, *given.args]
    required = len(positional) - len(given.defaults)
    names = [a.arg + ("=" if i >= required else "") for i, a in enumerate(positional)]
    if given.posonlyargs:
        names.insert(len(given.posonlyargs), "/")
    if given.vararg:
        names.append(f"*{given.vararg.arg}")
    elif given.kwonlyargs:
        names.append("*")
    names += [
        a.arg + ("=" if default is not None else "")
        for a, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)
    ]
    if given.kwarg:
        names.append(f"**{given.kwarg.arg}")
    if names and names[0] in ("self", "cls"):
        del names[0]
    return f"({', '.join(names)})"


def definitions(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    """Yield (name, signature or nothing) of what a body defines."""
    for node in statements(body):
        if isinstance(node, Definition):
            decorators = {ast.unparse(d).rpartition(".")[2] for d in node.decorator_list}
            is_value = decorators & {"property", "cached_property", "setter"}
            yield node.name, "" if is_value else signature(node)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, ""
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id, ""


@cache
def namespace(module: str) -> dict[str, tuple[str, str]]:
    """Return name → (module, name) of what a module imports from the suite, or defines."""
    file = modules().get(module) or SOURCE.parent.joinpath(*module.split(".")).with_suffix(".py")
    found = {}
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    for node in statements(parsed(file).body):
        if isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                origin = ".".join([*above, *filter(None, [node.module])])
            if origin.startswith(SUITE):
                for alias in node.names:
                    found[alias.asname or alias.name] = (origin, alias.name)
        elif isinstance(node, ast.ClassDef | Definition):
            found[node.name] = (module, node.name)
    return found


def definition_of(module: str, name: str) -> tuple[str, ast.ClassDef | Definition] | None:
    """Return the module that defines a name, and its definition; None for a plain value."""
    if not _is_module(module):
        return None
    origin, origins_name = namespace(module).get(name, (module, ""))
    if (origin, origins_name) != (module, name):
        return definition_of(origin, origins_name) if origins_name else None
    for node in statements(parsed(_file(module)).body):
        if isinstance(node, ast.ClassDef | Definition) and node.name == name:
            return module, node
    return None


def _file(module: str) -> Path:
    folder = SOURCE.parent.joinpath(*module.split("."))
    return folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")


def _is_module(module: str) -> bool:
    return _file(module).is_file()


def members(module: str, node: ast.ClassDef) -> dict[str, str]:
    """Return name → signature of the public members, those of its private bases among them."""
    found: dict[str, str] = {}
    for base in reversed(node.bases):
        if isinstance(base, ast.Subscript):
            base = base.value
        above = definition_of(module, ast.unparse(base))
        if above and isinstance(above[1], ast.ClassDef):
            where, definition = above
            if definition.name not in all_of(_file(where)):
                found |= members(where, definition)
    found |= {name: said for name, said in definitions(node.body) if name[0] != "_"}
    if any(name == "__init__" for name, _ in definitions(node.body)):
        found["__init__"] = dict(definitions(node.body))["__init__"]
    return found


def python_names() -> Iterator[str]:
    for module, file in modules().items():
        for name in all_of(file):
            known = definition_of(module, name)
            if known is None:
                yield f"{module}.{name}"
            elif isinstance(known[1], Definition):
                yield f"{module}.{name}{signature(known[1])}"
            else:
                yield f"{module}.{name}"
                if known[0] == module:  # elsewhere they are listed where it is defined
                    for member, said in members(*known).items():
                        yield f"{module}.{name}.{member}{said}"


# --- what is public without being Python ------------------------------------------------------


def conf_files() -> list[Path]:
    return sorted(SOURCE.rglob("conf.py"))


def settings_of(conf: Path) -> dict[str, str]:
    """Return name → default, as Python, of the settings that a feature's AppConf defines."""
    found = {}
    for part in parsed(conf).body:
        if not (isinstance(part, ast.ClassDef) and "AppConf" in map(ast.unparse, part.bases)):
            continue
        for line in part.body:
            if isinstance(line, ast.AnnAssign) and line.value:
                found[f"DIGITALSTORE_{ast.unparse(line.target)}"] = ast.unparse(line.value)
            elif isinstance(line, ast.Assign):
                found[f"DIGITALSTORE_{ast.unparse(line.targets[0])}"] = ast.unparse(line.value)
    return found


def check_ids() -> set[str]:
    return {
        node.value
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"digitalstore\.[EWI]\d{3}", node.value)
    }


def sent_signals() -> dict[str, set[str]]:
    """Return signal → names of the arguments that the source sends it with."""
    found: dict[str, set[str]] = {}
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(parsed(path)):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "send_after_commit"
            ):
                names = {keyword.arg for keyword in node.keywords if keyword.arg} - {"using"}
                signal = ast.unparse(node.func.value).rpartition(".")[2]
                found.setdefault(signal, set()).update(names)
    return found


def templates() -> dict[str, list[str]]:
    """Return name → blocks of each template of the suite."""
    found = {}
    for path in sorted(SOURCE.glob("*/**/templates/digitalstore/**/*")):
        if "storetemplate" in path.parts or path.is_dir():
            continue
        folder = next(parent for parent in path.parents if parent.name == "templates")
        blocks = re.findall(r"{% block (\w+)", path.read_text("utf-8"))
        found[path.relative_to(folder).as_posix()] = blocks
    return found


def urls() -> Iterator[tuple[str, str]]:
    """Yield (name, route) of the suite's own URLs; a provider knows some of these addresses."""
    for path in SOURCE.rglob("urls.py"):
        nodes = list(ast.walk(parsed(path)))
        spaces = [
            ast.literal_eval(node.value)
            for node in nodes
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "app_name"
        ]
        for node in nodes:
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("path", "re_path"):
                named = {k.arg: k.value for k in node.keywords}
                if "name" in named:
                    name = ":".join([*spaces, ast.literal_eval(named["name"])])
                    yield name, ast.unparse(node.args[0]).strip("'")


def commands() -> Iterator[str]:
    """Yield each command, and each with one of its arguments."""
    for path in SOURCE.glob("**/management/commands/[a-z]*.py"):
        yield path.stem
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".add_argument"):
                yield f"{path.stem} {ast.literal_eval(node.args[0])}"


def app_labels() -> Iterator[str]:
    """Yield each app with its label, which hosts' migrations name."""
    for path in SOURCE.rglob("apps.py"):
        said = {
            ast.unparse(node.targets[0]): ast.unparse(node.value).strip("'")
            for node in ast.walk(parsed(path))
            if isinstance(node, ast.Assign)
        }
        yield f"{said['name']} {said['label']}"


def template_tags() -> Iterator[str]:
    for path in SOURCE.glob("**/templatetags/[a-z]*.py"):
        for node in ast.walk(parsed(path)):
            if isinstance(node, Definition):
                for decorator in map(ast.unparse, node.decorator_list):
                    if decorator.startswith("register."):
                        named = re.search(r"['\"](\w+)['\"]", decorator)
                        yield f"{path.stem}.{named[1] if named else node.name}"


def surface() -> list[str]:
    """Return all public names, each with its kind, sorted."""
    lines = {f"python {name}" for name in python_names()}
    lines |= {f"setting {name}" for conf in conf_files() for name in settings_of(conf)}
    lines |= {f"check {name}" for name in check_ids()}
    lines |= {f"signal {name}({', '.join(sorted(a))})" for name, a in sent_signals().items()}
    lines |= {f"url {name} {route}" for name, route in urls()}
    lines |= {f"command {name}" for name in commands()}
    lines |= {f"app {name}" for name in app_labels()}
    lines |= {f"tag {name}" for name in template_tags()}
    for template, blocks in templates().items():
        lines.add(f"template {template}")
        lines |= {f"template {template} {block}" for block in blocks}
    return sorted(lines)


def recorded() -> list[str]:
    return SNAPSHOT.read_text("utf-8").splitlines()


if __name__ == "__main__":
    before = set(recorded()) if SNAPSHOT.exists() else set()
    now = surface()
    SNAPSHOT.write_text("".join(f"{line}\n" for line in now), "utf-8")
    for line in sorted(before ^ set(now), key=lambda each: each.partition(" ")[2]):
        print("+" if line in set(now) else "-", line)
