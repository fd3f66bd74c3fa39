"""The Merkle tree of RFC 6962: hashes, the tree's right edge, inclusion proofs in one pass."""

from collections.abc import Iterator, Sequence
from hashlib import sha256

HASH_BYTES = 32


def leaf_hash(body: bytes) -> bytes:
    """Hash one entry (RFC 6962, 2.1)."""
    return sha256(b"\x00" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash an inner node over its two children (RFC 6962, 2.1)."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """
    The right edge of a tree: the roots of its full subtrees, largest first.

    It is all that is needed to add leaves and to know the root: at most 64 hashes for any log.
    """

    def __init__(self, size: int = 0, nodes: Sequence[bytes] = ()) -> None:
        self.size = size
        self.nodes = list(nodes)

    @classmethod
    def unpack(cls, size: int, packed: bytes) -> "Frontier":
        """Read what `pack` wrote; ValueError when it cannot be the edge of a tree of this size."""
        if size < 0 or len(packed) != size.bit_count() * HASH_BYTES:
            raise ValueError(f"{len(packed)} bytes cannot be the edge of a tree of {size}")
        steps = range(0, len(packed), HASH_BYTES)
        return cls(size, [packed[at : at + HASH_BYTES] for at in steps])

    def pack(self) -> bytes:
        """Write the edge as the hashes one after another."""
        return b"".join(self.nodes)

    def copy(self) -> "Frontier":
        """Return an edge that can grow on its own."""
        return Frontier(self.size, self.nodes)

    def add(self, node: bytes) -> None:
        """Add one leaf by its hash."""
        full = self.size
        while full & 1:
            node = node_hash(self.nodes.pop(), node)
            full >>= 1
        self.nodes.append(node)
        self.size += 1

    def root(self) -> bytes:
        """Return the hash of the whole tree."""
        if not self.nodes:
            return sha256(b"").digest()
        root = self.nodes[-1]
        for left in reversed(self.nodes[:-1]):
            root = node_hash(left, root)
        return root


class Prover:
    """Collects the inclusion proofs of chosen leaves while all leaves pass by once."""

    def __init__(self) -> None:
        self.size = 0
        # Each subtree of the edge, with the proofs (so far) of the chosen leaves below it.
        self._edge: list[tuple[bytes, list[list[bytes]]]] = []
        self._paths: dict[int, list[bytes]] = {}

    def add(self, node: bytes, *, chosen: bool) -> None:
        """Add one leaf by its hash; of a chosen one the proof is kept."""
        paths: list[list[bytes]] = []
        if chosen:
            self._paths[self.size] = []
            paths.append(self._paths[self.size])
        full = self.size
        while full & 1:
            node, paths = _join(self._edge.pop(), (node, paths))
            full >>= 1
        self._edge.append((node, paths))
        self.size += 1

    def proofs(self) -> dict[int, list[bytes]]:
        """Close the tree and return each chosen leaf's audit path, nearest sibling first."""
        while len(self._edge) > 1:
            right = self._edge.pop()
            self._edge.append(_join(self._edge.pop(), right))
        return self._paths


def _join(
    left: tuple[bytes, list[list[bytes]]], right: tuple[bytes, list[list[bytes]]]
) -> tuple[bytes, list[list[bytes]]]:
    for path in left[1]:
        path.append(right[0])
    for path in right[1]:
        path.append(left[0])
    return node_hash(left[0], right[0]), left[1] + right[1]


def root_by_path(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> bytes:
    """Compute the root that a leaf and its path lead to; ValueError when the path cannot fit."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} does not stand in a tree of {size}")
    node = leaf
    siblings = list(_sides(index, size))
    if len(siblings) != len(path):
        raise ValueError(f"the path of leaf {index} has {len(path)} hashes, not {len(siblings)}")
    for is_right, sibling in zip(siblings, path, strict=True):
        node = node_hash(sibling, node) if is_right else node_hash(node, sibling)
    return node


def _sides(index: int, size: int) -> Iterator[bool]:
    """Tell, from the leaf upwards, whether our node is the right child (RFC 9162, 2.1.3.2)."""
    last = size - 1
    while last:
        if index & 1:
            yield True
        elif index != last:
            yield False
        index >>= 1
        last >>= 1
