"""Turns a written scenario into the one of an attempt: parts chosen, variables filled in."""

from collections.abc import Iterator, Mapping
from itertools import islice, product
from typing import Any

from pydantic import ValidationError

from range.catalog.schema import ScenarioSpec
from range.catalog.schema_variables import ChoiceVariable
from range.catalog.templating import TemplateInvalid, fill, together
from range.catalog.variables import Values
from range.checks.spec import Scalar

# Parts whose strings are kept as written: they are filled in where they are carried out.
VERBATIM = frozenset({"when", "variables", "verify"})
VARIANT_LIMIT = 64


def rendered(spec: ScenarioSpec, values: Values) -> ScenarioSpec:
    """Return the scenario of one attempt; it holds no `when` and no `{{ }}` any more.

    Raises:
        TemplateInvalid: A text cannot be filled in, or what results is no valid scenario.
    """
    return rendered_data(dumped(spec), values)


def rendered_data(data: Mapping[str, Any], values: Values) -> ScenarioSpec:
    """Return the scenario of one attempt from stored data.

    Raises:
        TemplateInvalid: As `rendered`.
    """
    with together():
        chosen = {
            key: part if key in VERBATIM else _filled(_pruned(part, values), values, path=key)
            for key, part in data.items()
        }
    chosen["verify"] = _pruned(chosen.get("verify", []), values)
    try:
        return ScenarioSpec.model_validate(chosen)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(each) for each in first["loc"])
        raise TemplateInvalid(f"{where}: {first['msg']} once filled in.") from error


def dumped(spec: ScenarioSpec) -> dict[str, Any]:
    """Return a scenario as data that can be stored and read back."""
    return spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def applies(when: Mapping[str, Any], values: Values) -> bool:
    """Tell whether a part belongs to an attempt with these values."""
    return all(values.get(name) in options for name, options in when.items())


def variants(spec: ScenarioSpec) -> list[dict[str, Scalar]]:
    """Return every combination of the choices that decide which parts exist.

    One empty combination when nothing depends on a choice; at most 64.
    """
    names = sorted(set(_deciding(dumped(spec))))
    options = {
        name: variable.options
        for name in names
        if isinstance(variable := spec.variables.get(name), ChoiceVariable)
    }
    combined = islice(product(*options.values()), VARIANT_LIMIT)
    return [dict(zip(options, each, strict=True)) for each in combined]


def _deciding(part: Any) -> Iterator[str]:
    if isinstance(part, Mapping):
        when = part.get("when")
        if isinstance(when, Mapping):
            yield from when
        for each in part.values():
            yield from _deciding(each)
    elif isinstance(part, list):
        for each in part:
            yield from _deciding(each)


def _pruned(part: Any, values: Values) -> Any:
    if isinstance(part, Mapping):
        return {
            key: _pruned(each, values)
            for key, each in part.items()
            if key != "when" and _kept(each, values)
        }
    if isinstance(part, list):
        return [_pruned(each, values) for each in part if _kept(each, values)]
    return part


def _kept(part: Any, values: Values) -> bool:
    if not isinstance(part, Mapping) or not isinstance(part.get("when"), Mapping):
        return True
    return applies(part["when"], values)


def _filled(part: Any, values: Values, *, path: str) -> Any:
    if isinstance(part, str):
        return fill(part, values, name=path)
    if isinstance(part, Mapping):
        return {str(key): _filled(each, values, path=f"{path}.{key}") for key, each in part.items()}
    if isinstance(part, list):
        return [_filled(each, values, path=f"{path}[{i}]") for i, each in enumerate(part)]
    return part
