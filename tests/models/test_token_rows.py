import pytest
import torch

from xmlcore.models.token_rows import TokenRows

EMBEDDINGS = torch.tensor([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [9.0, 9.0]]])
MASK = torch.tensor([[True, True], [True, False]])


@pytest.fixture
def batch() -> TokenRows:
    """Two documents: one of a word that comes twice, one of another word and padding."""
    return TokenRows(torch.tensor([[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]]), torch.tensor([[1, 1], [2, 0]]))


def test_positions_have_the_embeddings_of_their_rows(batch: TokenRows) -> None:
    assert batch.embeddings().tolist() == [[[1, 2], [1, 2]], [[3, 4], [0, 0]]]
    assert batch.mask.tolist() == [[True, True], [True, False]]


def test_a_probe_is_added_to_the_first_documents_and_has_the_gradient_of_each_position(batch: TokenRows) -> None:
    probe = torch.zeros(1, 2, 2, requires_grad=True)
    embeddings = batch.embeddings(probe + 10)
    assert embeddings.tolist() == [[[11, 12], [11, 12]], [[3, 4], [0, 0]]]
    (embeddings * torch.arange(8.0).view(2, 2, 2)).sum().backward()
    assert probe.grad is not None and probe.grad.tolist() == [[[0, 1], [2, 3]]]


def test_one_row_each_leaves_the_padding_out() -> None:
    batch = TokenRows.one_each(EMBEDDINGS, MASK)
    assert batch.rows.tolist() == [[0, 0], [1, 2], [3, 4], [5, 6]]
    assert batch.row_of.tolist() == [[1, 2], [3, 0]]
    assert torch.equal(batch.embeddings(), EMBEDDINGS * MASK.unsqueeze(-1))


def test_the_first_documents_keep_all_rows(batch: TokenRows) -> None:
    first = batch.first(1)
    assert first.row_of.tolist() == [[1, 1]]
    assert first.rows is batch.rows
