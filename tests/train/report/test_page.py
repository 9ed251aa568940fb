from __future__ import annotations

from train.report.page import Heading, Picture, Table, Text, to_html, to_markdown


def test_names_that_look_like_markup_are_only_names():
    blocks = [Heading("run <b>"), Text("a `code` & **strong** word"), Table(["a|b"], [["<script>"]])]
    page = to_html("t <b>", blocks)
    assert "<script>" not in page
    assert "<title>t &lt;b&gt;</title>" in page
    assert "a <code>code</code> &amp; <strong>strong</strong> word" in page
    assert "| a\\|b |" in to_markdown(blocks)


def test_a_folded_table_opens_on_request():
    table = Table(["subject"], [["smic/s01"]], folded="Every subject")
    assert "<details><summary>Every subject</summary>" in to_html("t", [table])
    assert "<details><summary>Every subject</summary>\n\n| subject |" in to_markdown([table])


def test_a_picture_is_linked_in_markdown_and_embedded_in_html():
    picture = Picture("x.png", "what it shows", b"png")
    assert to_markdown([picture]) == "![what it shows](x.png)\n"
    assert 'src="data:image/png;base64,cG5n"' in to_html("t", [picture])
