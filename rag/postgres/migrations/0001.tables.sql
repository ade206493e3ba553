-- Sources, passages, vectors and words of every collection, and who may see which.
-- depends:

CREATE EXTENSION IF NOT EXISTS vector SCHEMA public;

CREATE TABLE footnote.collections (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    stamp text,
    state text NOT NULL,
    last_key bigint NOT NULL DEFAULT 0
);
COMMENT ON COLUMN footnote.collections.state IS
    'The row that publishes: one question reads one state, whatever is written meanwhile.';

CREATE TABLE footnote.members (
    role name NOT NULL,
    collection text NOT NULL,
    writes boolean NOT NULL DEFAULT false,
    PRIMARY KEY (role, collection)
);
COMMENT ON TABLE footnote.members IS
    'Which role may read, or also write, a collection by its name; * for all.';

CREATE TABLE footnote.sources (
    collection integer NOT NULL REFERENCES footnote.collections ON DELETE CASCADE,
    id bigint GENERATED ALWAYS AS IDENTITY,
    source_id text NOT NULL,
    title text NOT NULL,
    sha256 text NOT NULL,
    media_type text NOT NULL,
    origin text NOT NULL,
    indexed_at text NOT NULL,
    n_chars integer NOT NULL,
    n_pages integer NOT NULL,
    n_passages integer NOT NULL,
    pages text NOT NULL,
    blocks text NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (collection, id),
    UNIQUE (collection, source_id)
);

CREATE TABLE footnote.passages (
    collection integer NOT NULL,
    key bigint NOT NULL,
    source bigint NOT NULL,
    start integer NOT NULL,
    stop integer NOT NULL,
    n_tokens integer NOT NULL,
    sentences bytea NOT NULL,
    units text NOT NULL,
    body bytea NOT NULL,
    vectors bytea NOT NULL,
    PRIMARY KEY (collection, key)
) PARTITION BY LIST (collection);
CREATE INDEX passages_of_source ON footnote.passages (source);

CREATE TABLE footnote.vectors (
    collection integer NOT NULL,
    key bigint NOT NULL,
    vector halfvec NOT NULL,
    PRIMARY KEY (collection, key)
) PARTITION BY LIST (collection);

CREATE TABLE footnote.words (
    collection integer NOT NULL REFERENCES footnote.collections ON DELETE CASCADE,
    name text NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (collection, name)
);
ALTER TABLE footnote.words ALTER COLUMN content SET STORAGE EXTERNAL;

CREATE TABLE footnote.roots (
    collection integer NOT NULL REFERENCES footnote.collections ON DELETE CASCADE,
    path text NOT NULL,
    prefix text NOT NULL,
    PRIMARY KEY (collection, path)
);

CREATE TABLE footnote.excluded (
    collection integer NOT NULL REFERENCES footnote.collections ON DELETE CASCADE,
    source_id text NOT NULL,
    sha256 text NOT NULL,
    PRIMARY KEY (collection, source_id)
);

CREATE TABLE footnote.failures (
    collection integer NOT NULL REFERENCES footnote.collections ON DELETE CASCADE,
    source_id text NOT NULL,
    sha256 text NOT NULL,
    reason text NOT NULL,
    message text NOT NULL,
    PRIMARY KEY (collection, source_id)
);

CREATE TABLE footnote.places (
    collection integer NOT NULL REFERENCES footnote.collections ON DELETE CASCADE,
    path text NOT NULL,
    identity text NOT NULL,
    reached boolean NOT NULL,
    pending integer NOT NULL,
    synced double precision NOT NULL,
    PRIMARY KEY (collection, path)
);

CREATE TABLE footnote.absent (
    collection integer NOT NULL REFERENCES footnote.collections ON DELETE CASCADE,
    source_id text NOT NULL,
    origin text NOT NULL,
    why text NOT NULL,
    PRIMARY KEY (collection, source_id)
);

CREATE TABLE footnote.outdated (
    collection integer NOT NULL REFERENCES footnote.collections ON DELETE CASCADE,
    source_id text NOT NULL,
    PRIMARY KEY (collection, source_id)
);

CREATE TABLE footnote.kept (
    collection integer NOT NULL REFERENCES footnote.collections ON DELETE CASCADE,
    source text NOT NULL,
    digest text NOT NULL,
    origin text NOT NULL,
    sha256 text NOT NULL,
    since bigint NOT NULL,
    vector bytea NOT NULL,
    vectors bytea NOT NULL,
    PRIMARY KEY (collection, source, digest)
);
CREATE INDEX kept_by_digest ON footnote.kept (collection, digest);
CREATE INDEX kept_by_sha256 ON footnote.kept (collection, sha256);
CREATE INDEX kept_by_since ON footnote.kept (collection, since);

-- Who may see what. These run as their owner, who made the tables; the role that asks needs none of its rights.

CREATE FUNCTION footnote.may(wanted text, writing boolean) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_has_role(session_user, current_user, 'MEMBER') OR EXISTS (
        SELECT FROM footnote.members m JOIN pg_roles r ON r.rolname = m.role
        WHERE m.collection IN (wanted, '*') AND (m.writes OR NOT writing)
            AND pg_has_role(session_user, r.oid, 'MEMBER')
    )
$$;

CREATE FUNCTION footnote.chosen(writing boolean) RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT c.id FROM footnote.collections c
    WHERE c.id = nullif(current_setting('footnote.collection', true), '')::integer
        AND footnote.may(c.name, writing)
$$;

CREATE FUNCTION footnote.find(wanted text) RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT id FROM footnote.collections WHERE name = wanted AND footnote.may(name, false)
$$;

CREATE FUNCTION footnote.claim(wanted text, empty text) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    found integer;
BEGIN
    IF NOT footnote.may(wanted, true) THEN
        RAISE insufficient_privilege USING MESSAGE = 'this role may not write the collection';
    END IF;
    PERFORM pg_advisory_xact_lock(1181708148, 0);
    SELECT id INTO found FROM footnote.collections WHERE name = wanted;
    IF found IS NULL THEN
        INSERT INTO footnote.collections (name, state) VALUES (wanted, empty) RETURNING id INTO found;
        PERFORM footnote.add_parts(found);
    END IF;
    RETURN found;
END $$;

CREATE FUNCTION footnote.add_parts(wanted integer) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    kind text;
BEGIN
    FOREACH kind IN ARRAY ARRAY['passages', 'vectors'] LOOP
        -- Attached, since making it in place would wait for whoever is reading.
        EXECUTE format('CREATE TABLE footnote.%I (LIKE footnote.%I INCLUDING DEFAULTS)', kind || '_' || wanted, kind);
        EXECUTE format('ALTER TABLE footnote.%I ADD CHECK (collection = %s)', kind || '_' || wanted, wanted);
        EXECUTE format('ALTER TABLE footnote.%I ATTACH PARTITION footnote.%I FOR VALUES IN (%s)',
            kind, kind || '_' || wanted, wanted);
    END LOOP;
    EXECUTE format('ALTER TABLE footnote.%I ALTER COLUMN vectors SET STORAGE EXTERNAL', 'passages_' || wanted);
    EXECUTE format('ALTER TABLE footnote.%I ALTER COLUMN vector SET STORAGE PLAIN', 'vectors_' || wanted);
END $$;

CREATE FUNCTION footnote.empty(wanted integer, empty text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    kind text;
BEGIN
    IF NOT (SELECT footnote.may(name, true) FROM footnote.collections WHERE id = wanted) THEN
        RAISE insufficient_privilege USING MESSAGE = 'this role may not write the collection';
    END IF;
    -- Not truncated: whoever is reading an older state would find it empty.
    FOREACH kind IN ARRAY ARRAY['passages', 'vectors', 'sources', 'words', 'failures', 'places', 'absent', 'outdated', 'kept'] LOOP
        EXECUTE format('DELETE FROM footnote.%I WHERE collection = %s', kind, wanted);
    END LOOP;
    UPDATE footnote.collections SET stamp = NULL, state = empty, last_key = 0 WHERE id = wanted;
    -- Last, since others wait for it; the next vectors may be of another dimension.
    EXECUTE format('DROP INDEX IF EXISTS footnote.%I', 'nearest_' || wanted);
END $$;

CREATE FUNCTION footnote.remove(wanted text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    found integer;
BEGIN
    SELECT id INTO found FROM footnote.collections WHERE name = wanted AND footnote.may(name, true);
    IF found IS NOT NULL THEN
        EXECUTE format('DROP TABLE footnote.%I, footnote.%I', 'passages_' || found, 'vectors_' || found);
        DELETE FROM footnote.collections WHERE id = found;
    END IF;
END $$;

CREATE FUNCTION footnote.rename(old text, new text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE footnote.collections SET name = new
    WHERE name = old AND footnote.may(old, true) AND footnote.may(new, true)
$$;

CREATE FUNCTION footnote.settle(wanted integer, dimension integer, nearest boolean) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT (SELECT footnote.may(name, true) FROM footnote.collections WHERE id = wanted) THEN
        RAISE insufficient_privilege USING MESSAGE = 'this role may not write the collection';
    END IF;
    IF nearest THEN
        EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON footnote.%I USING hnsw ((vector::halfvec(%s)) halfvec_ip_ops)',
            'nearest_' || wanted, 'vectors_' || wanted, dimension);
    END IF;
    EXECUTE format('ANALYZE footnote.%I, footnote.%I', 'passages_' || wanted, 'vectors_' || wanted);
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA footnote FROM PUBLIC;

DO $$
DECLARE
    kind text;
BEGIN
    FOREACH kind IN ARRAY ARRAY['sources', 'passages', 'vectors', 'words', 'roots', 'excluded', 'failures', 'places',
        'absent', 'outdated', 'kept'] LOOP
        EXECUTE format('ALTER TABLE footnote.%I ENABLE ROW LEVEL SECURITY', kind);
        EXECUTE format('CREATE POLICY reading ON footnote.%I FOR SELECT USING (collection = (SELECT footnote.chosen(false)))', kind);
        EXECUTE format('CREATE POLICY adding ON footnote.%I FOR INSERT WITH CHECK (collection = (SELECT footnote.chosen(true)))', kind);
        EXECUTE format('CREATE POLICY changing ON footnote.%I FOR UPDATE USING (collection = (SELECT footnote.chosen(true)))', kind);
        EXECUTE format('CREATE POLICY removing ON footnote.%I FOR DELETE USING (collection = (SELECT footnote.chosen(true)))', kind);
    END LOOP;
END $$;
ALTER TABLE footnote.collections ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON footnote.collections FOR SELECT USING (id = (SELECT footnote.chosen(false)));
CREATE POLICY changing ON footnote.collections FOR UPDATE USING (id = (SELECT footnote.chosen(true)));
ALTER TABLE footnote.members ENABLE ROW LEVEL SECURITY;

-- What a role is given that asks, and one that also indexes: rights on the tables; rows come from footnote.members.

CREATE PROCEDURE footnote.let(role name, collection text, writes boolean DEFAULT false)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA footnote TO %I', role);
    EXECUTE format('GRANT SELECT ON footnote.collections, footnote.sources, footnote.passages, footnote.vectors,'
        ' footnote.words, footnote.roots, footnote.excluded, footnote.failures, footnote.places, footnote.absent,'
        ' footnote.outdated, footnote.kept, footnote._yoyo_migration TO %I', role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION footnote.may, footnote.chosen, footnote.find TO %I', role);
    IF writes THEN
        EXECUTE format('GRANT INSERT, UPDATE, DELETE ON footnote.sources, footnote.passages, footnote.vectors,'
            ' footnote.words, footnote.roots, footnote.excluded, footnote.failures, footnote.places, footnote.absent,'
            ' footnote.outdated, footnote.kept TO %I', role);
        EXECUTE format('GRANT UPDATE (stamp, state, last_key) ON footnote.collections TO %I', role);
        EXECUTE format('GRANT EXECUTE ON FUNCTION footnote.claim, footnote.empty, footnote.remove,'
            ' footnote.rename, footnote.settle TO %I', role);
    END IF;
    INSERT INTO footnote.members VALUES (role, collection, writes)
    ON CONFLICT ON CONSTRAINT members_pkey DO UPDATE SET writes = excluded.writes;
END $$;
REVOKE ALL ON PROCEDURE footnote.let FROM PUBLIC;
