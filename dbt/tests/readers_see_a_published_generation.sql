{{ config(meta={'dagster': {'ref': {'name': 'mart_layer_health'}}}) }}
-- What readers see was published, and its counts are those it was published with.
select h.project, h.generation, g.state, h.documents, g.documents as published_documents, h.chunks, g.chunks as published_chunks
from {{ ref('mart_layer_health') }} as h
left join {{ ref('stg_generations') }} as g on g.project = h.project and g.generation = h.generation
where g.state is distinct from 'published'
    or h.documents <> g.documents
    or h.chunks <> g.chunks
