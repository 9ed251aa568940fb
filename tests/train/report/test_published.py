from __future__ import annotations

from train.report.published import TABLE_4, TABLE_5, in_paper_order, table_for


def test_each_data_set_has_its_own_published_table():
    assert table_for(["smic", "casme2", "samm"], 3) is TABLE_4
    assert table_for(["samm"], 3) is TABLE_4
    assert table_for(["casme3"], 3) is TABLE_5
    assert table_for(["casme3"], 7) is None
    assert table_for(["casme3", "samm"], 3) is None


def test_databases_keep_the_order_of_the_paper():
    assert in_paper_order({"casme3", "casme2", "samm", "smic"}) == ["smic", "samm", "casme2", "casme3"]
