-- Totals, grades, vetoes and ranks of a month; classes in the order of the roster, units by rank.
select
    card.township_code, card.scheme_id, card.township_class, card.total, card.full_mark, card.full_mark_counted,
    card.missing, card.grade, card.vetoed, card.veto_reason, card.veto_reason_en, card.rank, card.rank_of,
    card.rank_change
from marts.fct_scorecard as card
left join marts.dim_township as township on card.township_code = township.township_code
where card.period = $period
order by
    min(township.sort_order) over (partition by card.township_class), card.township_class, card.rank nulls last,
    card.township_code
