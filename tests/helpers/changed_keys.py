"""What differs between two mappings."""


def only(different: dict, before: dict) -> set:
    """The keys of which the identity is another one."""
    return {key for key in before if different[key] != before[key]}
