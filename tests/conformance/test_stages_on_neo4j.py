"""The stages end to end with a real Neo4j as the graph layer: grow, change, break, mend, rebuild, vacuum."""

from dataclasses import replace
from pathlib import Path

import pytest

from destiny_assets.adapters.neo4j import connect
from destiny_assets.domain.graph import Node, NodeLabel
from destiny_assets.serving.health import diagnose
from destiny_assets.stages.rebuild import rebuild_layer
from destiny_assets.stages.repair import repair_project
from destiny_assets.stages.vacuum import vacuum_project
from tests.stages.growing import DOCUMENTS, Layers, Silence, growing

# The first run of a machine fetches a server, which may take minutes.
pytestmark = pytest.mark.timeout(900)


def test_a_project_grows_changes_and_is_mended_on_a_real_neo4j(layers: Layers, neo4j_url: str, tmp_path: Path) -> None:
    with connect(neo4j_url) as graph, growing(replace(layers, graph=graph), tmp_path / "documents") as growth:
        stores = (layers.ledger, layers.originals, layers.vectors, graph)
        first = growth.run()
        growth.write("handbook/stamps.md", DOCUMENTS["handbook/stamps.md"].replace("three", "four"))
        growth.delete("notes/rain.txt")
        second = growth.run()
        for generation in (first, second):
            growth.require_agreement(generation)
        assert diagnose(*stores, growth.project, deep=True).ok

        nodes = growth.nodes()
        graph.remove(growth.project, sorted(nodes)[::5])
        graph.upsert_nodes(growth.project, [Node("stranger", NodeLabel.ENTITY, 1)])
        graph.retire(growth.project, sorted(nodes)[1::5], 1)
        found = diagnose(*stores, growth.project)
        assert {side for side, by_layer in found.agreement.items() if by_layer["graph"]} == {
            "missing",
            "extra",
            "stale",
        }
        assert repair_project(*stores, growth.project, Silence(), tmp_path / "cache").ok
        assert growth.nodes() == nodes

        rebuild_layer(*stores, growth.project, "graph", Silence())
        assert growth.nodes() == nodes
        assert vacuum_project(*stores, growth.project, keep_days=0)["removed"]["graph"] > 0
        assert diagnose(*stores, growth.project, deep=True).ok
