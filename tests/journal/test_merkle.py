from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drillbook.engine.journal.merkle import Frontier, Prover, leaf_hash, root_by_path
from journal.samples import tree_path, tree_root

# The leaves and roots of Certificate Transparency's reference data.
CT_LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
CT_ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
Leaves = st.lists(st.binary(max_size=8), max_size=40)


def frontier(leaves: list[bytes]) -> Frontier:
    edge = Frontier()
    for leaf in leaves:
        edge.add(leaf_hash(leaf))
    return edge


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_the_ct_reference_data(size: int) -> None:
    root = frontier(CT_LEAVES[:size]).root()

    assert root.hex() == CT_ROOTS[size - 1]
    assert tree_root(CT_LEAVES[:size]).hex() == CT_ROOTS[size - 1]


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert Frontier().root() == sha256(b"").digest()


@given(Leaves)
def test_the_edge_gives_the_root_that_the_definition_gives(leaves: list[bytes]) -> None:
    assert frontier(leaves).root() == tree_root(leaves)


@given(Leaves, Leaves)
def test_a_packed_edge_grows_as_the_whole_tree(first: list[bytes], more: list[bytes]) -> None:
    edge = Frontier.unpack(len(first), frontier(first).pack())

    for leaf in more:
        edge.add(leaf_hash(leaf))

    assert edge.root() == tree_root(first + more)


@given(st.integers(-2, 100), st.binary(max_size=100))
def test_bytes_of_another_length_are_no_edge(size: int, packed: bytes) -> None:
    if size >= 0 and len(packed) == 32 * size.bit_count():
        return

    with pytest.raises(ValueError, match="cannot be the edge"):
        Frontier.unpack(size, packed)


@given(Leaves, st.data())
def test_proofs_made_in_one_pass_are_those_of_the_definition(
    leaves: list[bytes], data: st.DataObject
) -> None:
    chosen = data.draw(st.sets(st.integers(0, max(0, len(leaves) - 1)), max_size=6))
    prover = Prover()

    for index, leaf in enumerate(leaves):
        prover.add(leaf_hash(leaf), chosen=index in chosen)
    proofs = prover.proofs()

    assert proofs.keys() == {index for index in chosen if index < len(leaves)}
    for index, path in proofs.items():
        assert path == tree_path(index, leaves)
        root = root_by_path(index, len(leaves), leaf_hash(leaves[index]), path)
        assert root == tree_root(leaves)


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=40, unique=True), st.data())
def test_a_proof_of_another_leaf_place_or_tree_does_not_hold(
    leaves: list[bytes], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    path, root = tree_path(index, leaves), tree_root(leaves)

    def leads_there(index: int, leaf: bytes, path: list[bytes]) -> bool:
        try:
            return root_by_path(index, len(leaves), leaf_hash(leaf), path) == root
        except ValueError:
            return False

    assert leads_there(index, leaves[index], path)
    assert not leads_there(index, leaves[index] + b"x", path)
    assert not leads_there(index, leaves[index], [*path, root])
    assert not leads_there(index - 1, leaves[index] + b"y", path)
    if path:
        assert not leads_there(index, leaves[index], path[:-1])
        assert not leads_there(index, leaves[index], [*path[:-1], root])
        assert not leads_there(index ^ 1, leaves[index], path)
