"""Numbers that can be told by their form: check digits, and what a phone number looks like in China."""

from __future__ import annotations

import re
from datetime import date

import phonenumbers

__all__ = ["is_date", "is_identity_card", "is_landline", "is_mobile", "passes_luhn"]

_MOBILE = re.compile(r"(?:(?:00)?86)?1[3-9]\d{9}")
_LANDLINE = re.compile(r"(?:86)?0?(?:10|[2-9]\d{1,2})[2-9]\d{6,7}|(?:86)?[48]00\d{7}")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_REGIONS = frozenset(
    [
        *range(11, 16),
        *range(21, 24),
        *range(31, 38),
        *range(41, 47),
        *range(50, 55),
        *range(61, 66),
        71,
        81,
        82,
        83,
    ]
)
"""First two digits of an identity card: the province (GB/T 2260)."""


def is_mobile(digits: str) -> bool:
    """Whether digits are a mobile number of the mainland, with the country's code or without."""
    return _MOBILE.fullmatch(digits) is not None


def is_landline(digits: str, international: bool = False) -> bool:
    """Whether digits are a landline with its area code or a 400 or 800 number; or, ``international``, any number.

    Args:
        digits: without anything between them.
        international: they were said with ``+`` or ``00`` before them.
    """
    if not 9 <= len(digits) <= 15:
        return False
    if international:
        try:
            return phonenumbers.is_possible_number(phonenumbers.parse("+" + digits.removeprefix("00")))
        except phonenumbers.NumberParseException:
            return False
    if _LANDLINE.fullmatch(digits) is None:
        return False
    if re.fullmatch(r"(?:86)?[48]00\d{7}", digits):
        return True
    if not digits.startswith("0"):
        return False
    return phonenumbers.is_valid_number(phonenumbers.parse(digits, "CN"))


def is_date(digits: str, first: int = 1900, last: int = 2035) -> bool:
    """Whether eight digits are a day between two years."""
    if len(digits) != 8 or not first <= int(digits[:4]) <= last:
        return False
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return True


def is_identity_card(number: str) -> bool:
    """Whether 15 or 18 characters are an identity card's number (GB 11643).

    The check digit of 18 need not be right where province and birthday are: speech recognition makes mistakes.
    """
    if len(number) == 15:
        return number.isdecimal() and int(number[:2]) in _REGIONS and is_date("19" + number[6:12])
    if len(number) != 18 or not number[:17].isdecimal():
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, number, strict=False))
    checked = _CHECKS[total % 11] == number[17].upper()
    born = is_date(number[6:14])
    return (int(number[:2]) in _REGIONS and born) or (checked and (born or number[17] in "xX"))


def passes_luhn(digits: str) -> bool:
    """Whether the last of 13 to 19 digits is the check digit of the others (ISO/IEC 7812-1), as on bank cards."""
    if not 13 <= len(digits) <= 19:
        return False
    doubled = (int(each) * (1 + i % 2) for i, each in enumerate(reversed(digits)))
    return sum(each - 9 if each > 9 else each for each in doubled) % 10 == 0
