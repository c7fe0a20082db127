-- Read a shop's JSON value as the declared type of its field.
--
-- A value that contradicts its type is missing, and a long one is cut.  `feature_repo/shop/values.py` does the same in Python
-- for values that are not yet in the log's Parquet; a test compares the two.
--
-- DuckDB copies the argument of a macro to each of its uses, and plans every copy: a macro that uses
-- its argument once keeps queries over many fields cheap.

create or replace temp macro is_number(value) as
    json_type(value) in ('UBIGINT', 'BIGINT', 'HUGEINT', 'UHUGEINT', 'DOUBLE');

create or replace temp macro finite(number) as
    case when isfinite(number) then number end;

create or replace temp macro number_of_text(words) as
    case
        when regexp_full_match(words, '[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?')
        then finite(try_cast(words as double))
    end;

create or replace temp macro as_number(value) as
    case
        when is_number(value) then finite(try_cast(value ->> '$' as double))
        when json_type(value) = 'VARCHAR' then number_of_text(trim(value ->> '$'))
    end;

-- Money in whole minor units; null if it is missing, 0 if the amount is impossible.
create or replace temp macro minor_units(amount) as
    case
        when abs(amount) < getvariable('largest_amount')
        then round_even(amount * getvariable('minor_units'), 0)::bigint
        when amount is not null then 0
    end;

create or replace temp macro text_of_number(number) as
    case
        when abs(number) >= 9007199254740992 then null
        when number = floor(number) then number::bigint::varchar
        when printf('%.3f', number)::double = number then rtrim(printf('%.3f', number), '0')
    end;

create or replace temp macro as_short_text(value, longest) as
    case
        when json_type(value) = 'VARCHAR' then nullif(left(value ->> '$', longest), '')
        when is_number(value) then text_of_number(try_cast(value ->> '$' as double))
    end;

create or replace temp macro as_text(value) as as_short_text(value, getvariable('longest_text'));

create or replace temp macro as_word(value) as as_short_text(value, getvariable('longest_word'));

create or replace temp macro as_list(value) as
    case
        when json_type(value) = 'ARRAY'
        then list_filter(
            list_transform(
                list_slice(value::json[], 1, getvariable('most_words')),
                lambda element: as_word(element)
            ),
            lambda word: word is not null
        )
        when as_word(value) is not null then [as_word(value)]
    end;

create or replace temp macro as_vector(value) as
    case
        when json_type(value) = 'ARRAY'
        then list_filter(
            list_transform(
                list_slice(value::json[], 1, getvariable('most_numbers')),
                lambda element: as_number(element)
            ),
            lambda number: number is not null
        )
        when as_number(value) is not null then [as_number(value)]
    end;

create or replace temp macro as_bool(value) as
    case
        when json_type(value) = 'BOOLEAN' then (value ->> '$')::boolean
        when json_type(value) = 'VARCHAR' and lower(trim(value ->> '$')) = 'true' then true
        when json_type(value) = 'VARCHAR' and lower(trim(value ->> '$')) = 'false' then false
    end;

-- The size of a number determines its unit: seconds, milliseconds or microseconds since 1970.
create or replace temp macro instant_of_number(number) as
    try_cast(
        round_even(
            number * case when abs(number) < 1e11 then 1e6 when abs(number) < 1e14 then 1e3 else 1 end,
            0
        ) as bigint
    );

-- Eight digits that are a day from 1900 on, such as 20260131, are that day.
create or replace temp macro instant_of_day(words) as
    epoch_us(try_strptime(regexp_extract(words, '^((19|20)[0-9]{6})(\.0)?$', 1), '%Y%m%d'));

create or replace temp macro instant_of_text(words) as
    case
        when
            regexp_full_match(
                words,
                '[0-9]{4}-[0-9]{2}-[0-9]{2}'
                || '([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?'
                || '(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])?)?'
            )
        then epoch_us(try_cast(words as timestamptz))
    end;

-- From the year 1 up to the year 10000.
create or replace temp macro possible_instant(instant) as
    case when instant between -62135596800000000 and 253402300799999999 then instant end;

create or replace temp macro as_time(value) as
    possible_instant(
        coalesce(
            instant_of_day(trim(value ->> '$')),
            instant_of_number(as_number(value)),
            case when json_type(value) = 'VARCHAR' then instant_of_text(trim(value ->> '$')) end
        )
    );
