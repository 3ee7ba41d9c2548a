-- SQLite and PostgreSQL both accept this text as it stands: no foreign keys, triggers, sequences,
-- enumerations, booleans or defaults, so that any engine can follow and rows can be sharded by
-- subject. Times are microseconds since 1970; columns that hold JSON or flags say so by their name
-- in _rows.py. An applied migration never changes: its checksum is kept.

create table subject (
    id text not null,
    realm text not null,
    name text not null,
    email text,
    email_verified smallint not null,
    phone text,
    phone_verified smallint not null,
    member_of text not null,
    admin smallint not null,
    status smallint not null,
    epoch bigint not null,
    created_at bigint not null,
    attributes text not null,
    locale text not null,
    folded_name text not null,
    folded_email text not null,
    primary key (id)
);
create index subject_by_name on subject (realm, name);

-- The only rows that are not found by subject: they lead to it.
create table identifier (
    realm text not null,
    lookup text not null,
    subject text not null,
    primary key (realm, lookup)
);
create index identifier_by_subject on identifier (subject);

create table authenticator (
    subject text not null,
    id text not null,
    realm text not null,
    kind text not null,
    created_at bigint not null,
    state smallint not null,
    label text not null,
    sealed bytea not null,
    parameters text not null,
    mark bigint not null,
    preferred smallint not null,
    used_at bigint,
    primary key (subject, id)
);

create table item (
    subject text not null,
    authenticator text not null,
    key text not null,
    place integer not null,
    expires_at bigint,
    ceremony text,
    primary key (subject, authenticator, key)
);
create index item_by_expiry on item (expires_at);

create table guess (
    subject text not null,
    scope text not null,
    version bigint not null,
    spent bigint not null,
    since bigint not null,
    blocked_until bigint not null,
    streak bigint not null,
    rounds bigint not null,
    keep_until bigint not null,
    primary key (subject, scope)
);
create index guess_by_expiry on guess (keep_until);

create table session (
    subject text not null,
    id text not null,
    realm text not null,
    created_at bigint not null,
    auth_time bigint not null,
    aal smallint not null,
    amr text not null,
    expires_at bigint not null,
    idle bigint not null,
    seen_at bigint not null,
    client text not null,
    transport text not null,
    generation bigint not null,
    rotated_at bigint not null,
    address text not null,
    agent text not null,
    proof text not null,
    access_life bigint not null,
    primary key (subject, id)
);
create index session_by_expiry on session (expires_at);

-- What a browser's token names. Nothing here is a token, nor makes one.
create table device (
    subject text not null,
    id text not null,
    realm text not null,
    created_at bigint not null,
    seen_at bigint not null,
    trusted_until bigint not null,
    generation bigint not null,
    label text not null,
    address text not null,
    primary key (subject, id)
);
create index device_by_expiry on device (trusted_until);

create table outbox (
    subject text not null,
    id text not null,
    realm text not null,
    channel text not null,
    recipient text not null,
    template text not null,
    sealed bytea not null,
    due_at bigint not null,
    expires_at bigint not null,
    tries integer not null,
    lease_until bigint not null,
    primary key (subject, id)
);
create index outbox_by_due on outbox (due_at);
create index outbox_by_expiry on outbox (expires_at);

-- The position is the order of commits. It must be a declared column: VACUUM may renumber a
-- hidden one, and sealed segments refer to it.
create table audit (
    position integer not null,
    realm text not null,
    subject text,
    id text not null,
    at bigint not null,
    event text not null,
    body text not null,
    primary key (position)
);
create index audit_by_subject on audit (subject);

create table segment (
    number bigint not null,
    at bigint not null,
    upto bigint not null,
    body text not null,
    primary key (number)
);

create table document (
    realm text not null,
    kind text not null,
    name text not null,
    body text not null,
    version bigint not null,
    primary key (realm, kind, name)
);
