-- Incidents up to the end of the month chosen.
select incident_id, occurred_on, enterprise_id, township_code, category, deaths, serious_injuries, direct_loss,
    class, class_en, counted_in_rate
from marts.fct_safety_incident
where occurred_on <= last_day($period::date)
order by occurred_on, incident_id
