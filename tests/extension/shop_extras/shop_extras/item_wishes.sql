select item_id, seen_at, bucket, part, sign as wishes from stg_interactions where type = 'wish'
