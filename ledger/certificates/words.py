"""The words and figures of the page: exact, never rounded up, the same in every place.

Units: grams of CO2e in, tonnes or kilograms as text out.
"""

from __future__ import annotations

from ledger.domain.units import PPM

KINDS = {"reduction": "Reductions", "avoided": "Avoided emissions", "removal": "Removals"}
LEVERS = {
    "clean-energy": "Clean energy",
    "energy-efficiency": "Energy efficiency",
    "logistics": "Logistics",
    "packaging": "Packaging",
    "circular-economy": "Circular economy",
    "greener-product": "Greener products",
    "behaviour": "Behaviour",
    "supplier-programme": "Supplier programmes",
    "removal": "Removals",
    "other": "Other levers",
}
QUALITIES = {
    "computed": "recomputable from the inputs in the ledger",
    "reported": "as reported by its registry, not recomputable here",
}
ADOPTION = {
    "none": "",
    "retired": "Credits of other registries count only when they were retired for this programme.",
    "any": "Figures adopted from other registries are not additional to those registries' own issue.",
}
TONNES, KILOGRAMS = (
    "tonnes of carbon dioxide equivalent (tCO\N{SUBSCRIPT TWO}e)",
    "kilograms of carbon dioxide equivalent (kgCO\N{SUBSCRIPT TWO}e)",
)


def tonnes(grams: int, *, whole: bool = False) -> str:
    """Exact tonnes with grouped thousands: three decimals, or six where grams are left."""
    head, rest = divmod(grams, 1_000_000)
    if whole:
        return f"{head:,}"
    return f"{head:,}.{rest // 1000:03d}" if rest % 1000 == 0 else f"{head:,}.{rest:06d}"


def big_number(grams: int) -> tuple[str, str, str]:
    """The total as whole part, decimals and unit: kilograms below one tonne."""
    if grams < 1_000_000:
        return f"{grams // 1000:,}", f".{grams % 1000:03d}", KILOGRAMS
    head, _, rest = tonnes(grams).partition(".")
    return head, f".{rest}", TONNES


def share(part: int, *, of: int) -> str:
    """A part as a percentage, cut; what is less than the last digit says so."""
    ppm = part * PPM // of
    if part and not ppm:
        return "less than 0.0001 %"
    return f"{ppm // 10_000}.{ppm % 10_000:04d} %"
