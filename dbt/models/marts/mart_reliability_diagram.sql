-- What was believed against what was right, in tenths, of the newest generation that was measured. Empty tenths are rows too.
select
    b.project,
    b.generation,
    b.method,
    b.bin,
    b.bin / 10.0::double precision as bin_from,
    (b.bin + 1) / 10.0::double precision as bin_to,
    b.slots,
    b.mean_probability,
    b.share_right,
    b.low as share_right_low,
    b.high as share_right_high
from {{ source('ledger', 'calibration_bin') }} as b
inner join {{ ref('mart_calibration') }} as c
    on c.project = b.project and c.generation = b.generation and c.method = b.method and c.is_newest
