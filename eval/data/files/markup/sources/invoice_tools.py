"""Invoices of the pottery studio: numbers, VAT and reminders.

Written for Clementine Wray's studio in Totnes. Amounts are in pence, so that nothing is rounded twice.
"""

from datetime import date, timedelta

VAT_PERCENT = 20
REMINDER_DAYS = (14, 28, 42)
"""Days after which a customer is reminded; the third reminder goes by post."""
LATE_FEE = 1_250  # pence, added with the second reminder


def invoice_number(year: int, counter: int) -> str:
    """Return the number of an invoice, such as POT-2025-0042.

    The counter starts again at 1 every January.
    """
    return f"POT-{year}-{counter:04d}"


def with_vat(net: int, *, school: bool = False) -> int:
    """Add VAT to a net amount; schools are exempt."""
    if school:
        return net
    return net + net * VAT_PERCENT // 100


class Customer:
    """Somebody who buys pots, with a discount from the fifth order on."""

    discount_percent = 8

    def __init__(self, name: str, orders: int = 0) -> None:
        self.name = name
        self.orders = orders

    def price(self, net: int) -> int:
        """Return the net price after the discount for loyal customers."""
        if self.orders < 5:
            return net
        return net - net * self.discount_percent // 100


def next_reminder(sent: date, reminders: int) -> date | None:
    """Return when to remind next; None once three reminders went out, then the claim goes to the county court."""
    if reminders >= len(REMINDER_DAYS):
        return None
    return sent + timedelta(days=REMINDER_DAYS[reminders])
