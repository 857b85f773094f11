{# One query for all columns. A null is no violation: never_null says so where it is one. #}
{% test within(model, columns, lowest=none, highest=none) %}
select {{ columns | join(', ') }}
from {{ model }}
where false
{%- for column in columns %}
    {%- if lowest is not none %} or {{ column }} < {{ lowest }}{% endif %}
    {%- if highest is not none %} or {{ column }} > {{ highest }}{% endif %}
{%- endfor %}
{% endtest %}
