"""Units: how they are written, what they measure, and their size in the smallest of their measure."""

from __future__ import annotations

_MEASURES: dict[str, dict[str, tuple[float, str]]] = {
    "length": {
        "mm": (1.0, "mm millimetre millimetres millimeter millimeters"),
        "cm": (10.0, "cm centimetre centimetres centimeter centimeters"),
        "in": (25.4, "inch inches"),
        "ft": (304.8, "ft foot feet"),
        "yd": (914.4, "yd yard yards"),
        "m": (1e3, "metre metres meter meters"),
        "km": (1e6, "km kilometre kilometres kilometer kilometers"),
        "mile": (1609344.0, "mile miles"),
    },
    "mass": {
        "mg": (1e-3, "mg milligram milligrams"),
        "g": (1.0, "gram grams"),
        "oz": (28.349523125, "oz ounce ounces"),
        "lb": (453.59237, "lb lbs"),
        "kg": (1e3, "kg kilo kilos kilogram kilograms"),
        "t": (1e6, "ton tons tonne tonnes"),
    },
    "volume": {
        "ml": (1.0, "ml millilitre millilitres milliliter milliliters"),
        "cl": (10.0, "cl"),
        "l": (1e3, "litre litres liter liters"),
    },
    "duration": {
        "ms": (1e-3, "ms millisecond milliseconds"),
        "second": (1.0, "seconds sec secs"),
        "minute": (60.0, "minute minutes min mins"),
        "hour": (3600.0, "hour hours hr hrs"),
        "day": (86400.0, "day days"),
        "week": (604800.0, "week weeks"),
        "fortnight": (1209600.0, "fortnight fortnights"),
    },
    "age": {
        "month": (1.0, "month months"),
        "year": (12.0, "year years yr yrs"),
        "decade": (120.0, "decade decades"),
        "century": (1200.0, "century centuries"),
    },
    "speed": {"km/h": (1.0, "kmh km/h kph"), "mph": (1.609344, "mph")},
    "data": {
        "kb": (1e-3, "kb kilobyte kilobytes"),
        "mb": (1.0, "mb megabyte megabytes"),
        "gb": (1e3, "gb gigabyte gigabytes"),
        "tb": (1e6, "tb terabyte terabytes"),
    },
    "$": {"$": (1.0, "$ us$ usd dollar dollars")},
    "cent": {"cent": (1.0, "cents")},
    "€": {"€": (1.0, "€ eur euro euros")},
    "£": {"£": (1.0, "£ gbp")},
    "¥": {"¥": (1.0, "¥ yen")},
    "₹": {"₹": (1.0, "₹ rupee rupees")},
}
UNITS: dict[str, str] = {
    name: unit
    for sizes in _MEASURES.values()
    for unit, (_, names) in sizes.items()
    for name in names.split()
}
"""Every way of writing a unit, in lower case."""
SHORT_UNITS = {"m": "m", "g": "g", "h": "hour", "l": "l", "L": "l", "s": "second", "d": "day"}
"""Units too short to be known by themselves: behind a number and a space they are."""
MEASURES: dict[str, tuple[str, float]] = {
    unit: (measure, size)
    for measure, sizes in _MEASURES.items()
    for unit, (size, _) in sizes.items()
}
"""What each unit measures, and its size in the smallest unit."""
METRIC = frozenset("mm cm m km mg g kg t ml cl l".split())
"""Units that are converted into each other without a rest, as those of time and data are."""
