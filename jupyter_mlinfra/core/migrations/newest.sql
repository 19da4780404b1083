BEGIN TRANSACTION;
CREATE TABLE alarm (
        name TEXT PRIMARY KEY,
        due_at REAL NOT NULL,
        set_at REAL NOT NULL,
        module TEXT NOT NULL,
        arguments TEXT NOT NULL,
        log TEXT NOT NULL
    ) WITHOUT ROWID
    ;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0023');
CREATE TABLE "alert" (
        monitor TEXT NOT NULL REFERENCES monitor(name) ON DELETE CASCADE,
        rule TEXT NOT NULL,
        labels TEXT NOT NULL DEFAULT '[]',
        state TEXT NOT NULL,
        severity TEXT NOT NULL,
        value REAL,
        rows INTEGER,
        threshold REAL NOT NULL,
        subject TEXT NOT NULL,
        text TEXT NOT NULL,
        since REAL NOT NULL,
        evaluated_at REAL,
        by_labels TEXT NOT NULL DEFAULT '{}',
        metric TEXT NOT NULL DEFAULT '',
        op TEXT NOT NULL DEFAULT '>=',
        version TEXT NOT NULL DEFAULT '',
        rule_group TEXT NOT NULL DEFAULT '',
        summary TEXT NOT NULL DEFAULT '',
        runbook TEXT NOT NULL DEFAULT '',
        source TEXT NOT NULL DEFAULT '',
        at REAL NOT NULL DEFAULT 0,
        seen REAL NOT NULL DEFAULT 0,
        kept_since REAL,
        episode INTEGER NOT NULL DEFAULT 0,
        told INTEGER NOT NULL DEFAULT 0,
        resolved_at REAL,
        bad_start REAL,
        bad_end REAL,
        held_by TEXT NOT NULL DEFAULT '',
        acknowledged_at REAL,
        acknowledged_by TEXT NOT NULL DEFAULT '',
        acknowledged_why TEXT NOT NULL DEFAULT '', hold_seconds REAL NOT NULL DEFAULT 0, cause TEXT, owner TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (monitor, rule, labels)
    );
CREATE TABLE alert_delivery (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        receiver TEXT NOT NULL,
        body TEXT NOT NULL,
        state TEXT NOT NULL,
        created_at REAL NOT NULL,
        next_at REAL NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        error TEXT NOT NULL DEFAULT ''
    );
CREATE TABLE alert_history (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        monitor TEXT NOT NULL REFERENCES monitor(name) ON DELETE CASCADE,
        rule TEXT NOT NULL,
        labels TEXT NOT NULL,
        at REAL NOT NULL,
        what TEXT NOT NULL,
        by_user TEXT NOT NULL,
        why TEXT NOT NULL,
        link TEXT NOT NULL
    );
CREATE TABLE alert_silence (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        monitor TEXT NOT NULL,
        rule TEXT NOT NULL,
        labels TEXT,
        begun_at REAL NOT NULL,
        until REAL NOT NULL,
        by_user TEXT NOT NULL,
        why TEXT NOT NULL,
        ended_by TEXT NOT NULL DEFAULT ''
    );
CREATE TABLE catalog_audit (
         id INTEGER PRIMARY KEY AUTOINCREMENT,
         at REAL NOT NULL,
         user TEXT NOT NULL,
         verb TEXT NOT NULL,
         dataset TEXT NOT NULL,
         columns TEXT NOT NULL,
         face TEXT NOT NULL
       );
CREATE TABLE catalog_commit (
         dataset TEXT NOT NULL,
         snapshot TEXT NOT NULL,
         at REAL NOT NULL,
         operation TEXT NOT NULL,
         added INTEGER NOT NULL,
         removed INTEGER NOT NULL,
         total INTEGER,
         bytes INTEGER,
         PRIMARY KEY (dataset, snapshot)
       ) WITHOUT ROWID;
CREATE TABLE catalog_registered (
          name TEXT PRIMARY KEY,
          kind TEXT NOT NULL,
          location TEXT NOT NULL,
          options TEXT NOT NULL DEFAULT '{}',
          properties TEXT NOT NULL DEFAULT '{}',
          at REAL NOT NULL,
          user TEXT NOT NULL
        ) WITHOUT ROWID
    ;
CREATE TABLE catalog_result (
         id INTEGER PRIMARY KEY AUTOINCREMENT,
         dataset TEXT NOT NULL,
         snapshot TEXT NOT NULL,
         rule TEXT NOT NULL,
         at REAL NOT NULL,
         passed INTEGER NOT NULL,
         failed_rows INTEGER,
         rows INTEGER,
         sample TEXT NOT NULL DEFAULT '[]',
         by TEXT NOT NULL
       );
CREATE TABLE catalog_rule (
         dataset TEXT NOT NULL,
         rule TEXT NOT NULL,
         definition TEXT NOT NULL,
         severity TEXT NOT NULL,
         at REAL NOT NULL,
         user TEXT NOT NULL,
         PRIMARY KEY (dataset, rule)
       ) WITHOUT ROWID;
CREATE TABLE catalog_trash (
         id INTEGER PRIMARY KEY AUTOINCREMENT,
         name TEXT NOT NULL,
         metadata TEXT NOT NULL,
         rows INTEGER,
         bytes INTEGER,
         at REAL NOT NULL,
         user TEXT NOT NULL,
         ends_at REAL NOT NULL
       );
CREATE TABLE catalog_use (
         dataset TEXT NOT NULL,
         day INTEGER NOT NULL,
         reads INTEGER NOT NULL,
         PRIMARY KEY (dataset, day)
       ) WITHOUT ROWID;
CREATE TABLE "deployment" (
        name TEXT PRIMARY KEY,
        namespace TEXT NOT NULL,
        target TEXT NOT NULL,
        model TEXT NOT NULL,
        up INTEGER NOT NULL DEFAULT 1,
        created_at REAL NOT NULL,
        updated_at REAL NOT NULL
    );
CREATE TABLE deployment_audit (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at REAL NOT NULL,
        user TEXT NOT NULL,
        "on" TEXT NOT NULL,
        verb TEXT NOT NULL,
        deployment TEXT NOT NULL,
        text TEXT NOT NULL,
        reason TEXT NOT NULL
    );
CREATE TABLE "deployment_change" (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        deployment TEXT NOT NULL REFERENCES deployment (name) ON DELETE CASCADE,
        at REAL NOT NULL,
        user TEXT NOT NULL,
        verb TEXT NOT NULL,
        text TEXT NOT NULL,
        reason TEXT NOT NULL,
        traffic TEXT NOT NULL,
        returns_to INTEGER
    );
CREATE TABLE deployment_key (
        id TEXT PRIMARY KEY,
        deployment TEXT NOT NULL REFERENCES deployment (name) ON DELETE CASCADE,
        name TEXT NOT NULL,
        digest TEXT NOT NULL,
        created_at REAL NOT NULL,
        created_by TEXT NOT NULL,
        expires_at REAL,
        revoked_at REAL,
        revoked_by TEXT NOT NULL DEFAULT ''
    );
CREATE TABLE deployment_plan (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            deployment TEXT NOT NULL REFERENCES deployment (name) ON DELETE CASCADE,
            version TEXT NOT NULL,
            against TEXT NOT NULL,
            steps TEXT NOT NULL,
            every_seconds REAL NOT NULL,
            least_requests INTEGER NOT NULL,
            goal TEXT NOT NULL,
            better TEXT NOT NULL,
            state TEXT NOT NULL,
            step INTEGER NOT NULL,
            step_at REAL NOT NULL,
            due_at REAL NOT NULL,
            reason TEXT NOT NULL DEFAULT '',
            verdict TEXT NOT NULL DEFAULT '{}',
            user TEXT NOT NULL,
            created_at REAL NOT NULL,
            updated_at REAL NOT NULL
        );
CREATE TABLE "deployment_process" (
        token TEXT PRIMARY KEY,
        deployment TEXT NOT NULL,
        version TEXT NOT NULL,
        slot INTEGER NOT NULL,
        boot TEXT NOT NULL,
        pid INTEGER NOT NULL,
        start INTEGER NOT NULL,
        started_at REAL NOT NULL
    );
CREATE TABLE deployment_replay (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            deployment TEXT NOT NULL REFERENCES deployment (name) ON DELETE CASCADE,
            version TEXT NOT NULL,
            at REAL NOT NULL,
            user TEXT NOT NULL,
            result TEXT NOT NULL
        );
CREATE TABLE deployment_target (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        wish INTEGER NOT NULL DEFAULT 0,
        done INTEGER NOT NULL DEFAULT 0,
        port INTEGER NOT NULL DEFAULT 0,
        trouble TEXT NOT NULL DEFAULT ''
    );
INSERT INTO "deployment_target" VALUES(1,0,0,0,'');
CREATE TABLE "deployment_version" (
        deployment TEXT NOT NULL REFERENCES deployment (name) ON DELETE CASCADE,
        version TEXT NOT NULL,
        number INTEGER NOT NULL,
        bundle TEXT NOT NULL DEFAULT '',
        python TEXT NOT NULL DEFAULT '',
        state TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT '',
        traffic INTEGER NOT NULL DEFAULT 0,
        wanted INTEGER NOT NULL DEFAULT 0,
        proved INTEGER NOT NULL DEFAULT 0,
        gates TEXT NOT NULL DEFAULT '[]',
        workers INTEGER NOT NULL,
        deployer TEXT NOT NULL DEFAULT '',
        created_at REAL NOT NULL,
        used_at REAL NOT NULL, runtime TEXT NOT NULL DEFAULT 'seldon-core', shadow INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (deployment, version)
    );
CREATE TABLE "event" (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at REAL NOT NULL,
            topic TEXT NOT NULL,
            ref TEXT NOT NULL,
            data TEXT NOT NULL
        );
CREATE TABLE job (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        key TEXT UNIQUE,
        name TEXT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT NOT NULL,
        backend TEXT NOT NULL,
        user TEXT NOT NULL,
        spec TEXT NOT NULL,
        launch TEXT NOT NULL,
        snapshot TEXT,
        priority INTEGER NOT NULL,
        cpus INTEGER NOT NULL,
        gpus INTEGER NOT NULL,
        memory_gib REAL NOT NULL,
        attempt INTEGER NOT NULL DEFAULT 0,
        failures INTEGER NOT NULL DEFAULT 0,
        requeues INTEGER NOT NULL DEFAULT 0,
        not_before REAL NOT NULL DEFAULT 0,
        cancelled_by TEXT NOT NULL DEFAULT '',
        gpu_ids TEXT NOT NULL DEFAULT '[]',
        token TEXT,
        boot TEXT,
        pid INTEGER,
        start INTEGER,
        exit_code INTEGER,
        progress REAL,
        progress_text TEXT NOT NULL DEFAULT '',
        submitted_at REAL NOT NULL,
        started_at REAL,
        ended_at REAL,
        changed_at REAL NOT NULL
    , part_of TEXT, place INTEGER, at_once INTEGER, held_by TEXT NOT NULL DEFAULT '', requeued_by TEXT NOT NULL DEFAULT '', remote TEXT);
CREATE TABLE job_after (job INTEGER NOT NULL REFERENCES job (number) ON DELETE CASCADE, before INTEGER NOT NULL, PRIMARY KEY (job, before)) WITHOUT ROWID;
CREATE TABLE job_label (job INTEGER NOT NULL REFERENCES job (number) ON DELETE CASCADE, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (job, key)) WITHOUT ROWID;
CREATE TABLE job_share (user TEXT PRIMARY KEY, seconds REAL NOT NULL, at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE "monitor" (
            name TEXT PRIMARY KEY,
            deployment TEXT NOT NULL,
            created_at REAL NOT NULL,
            created_by TEXT NOT NULL,
            state TEXT NOT NULL,
            rows INTEGER NOT NULL,
            worst TEXT NOT NULL,
            worst_psi REAL,
            evaluated_at REAL,
            last_request_at REAL
        , worst_rows INTEGER, requests INTEGER, segments TEXT NOT NULL DEFAULT '[]', costs TEXT, lately TEXT NOT NULL DEFAULT '[]');
CREATE TABLE monitor_hour (
            monitor TEXT NOT NULL REFERENCES monitor(name) ON DELETE CASCADE,
            hour INTEGER NOT NULL,
            basis TEXT NOT NULL,
            rows INTEGER NOT NULL,
            broken INTEGER NOT NULL,
            PRIMARY KEY (monitor, hour)
        );
CREATE TABLE outbox (job TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE pipeline_environment (digest TEXT PRIMARY KEY, packages TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE pipeline_file (path TEXT PRIMARY KEY, stamp TEXT NOT NULL, digest TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE pipeline_result (
        pipeline TEXT NOT NULL,
        step TEXT NOT NULL,
        slot TEXT NOT NULL DEFAULT '',
        whole INTEGER NOT NULL,
        parts TEXT NOT NULL,
        outputs TEXT NOT NULL DEFAULT '{}',
        job TEXT,
        notebook TEXT,
        PRIMARY KEY (pipeline, step, slot)
    ) WITHOUT ROWID
    ;
CREATE TABLE pipeline_run (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        run TEXT NOT NULL UNIQUE,
        pipeline TEXT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT '',
        user TEXT NOT NULL,
        force INTEGER NOT NULL,
        parameters TEXT NOT NULL,
        definition TEXT NOT NULL,
        driver TEXT,
        driven_at REAL NOT NULL,
        cancelled_by TEXT NOT NULL DEFAULT '',
        started_at REAL NOT NULL,
        ended_at REAL
    , key TEXT, lane TEXT NOT NULL DEFAULT '', date TEXT NOT NULL DEFAULT '', digest TEXT NOT NULL DEFAULT '', plan TEXT NOT NULL DEFAULT '{}');
CREATE TABLE pipeline_step (
        run INTEGER NOT NULL REFERENCES pipeline_run (number) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        name TEXT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT '',
        job TEXT,
        notebook TEXT,
        attempt INTEGER NOT NULL DEFAULT 0,
        parts TEXT,
        started_at REAL,
        ended_at REAL, changed TEXT NOT NULL DEFAULT '[]', detail TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (run, position)
    ) WITHOUT ROWID
    ;
CREATE TABLE registration (
            model TEXT NOT NULL,
            version INTEGER NOT NULL,
            digest TEXT NOT NULL,
            user TEXT NOT NULL,
            at REAL NOT NULL,
            PRIMARY KEY (model, version, digest)
        ) WITHOUT ROWID
        ;
CREATE TABLE schedule (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        state TEXT NOT NULL,
        cron TEXT NOT NULL,
        tz TEXT NOT NULL,
        pipeline TEXT,
        job TEXT,
        parameters TEXT NOT NULL,
        catchup TEXT NOT NULL,
        grace_seconds REAL NOT NULL,
        overlap TEXT NOT NULL,
        user TEXT NOT NULL,
        created_at REAL NOT NULL,
        handled_until REAL NOT NULL
    );
CREATE TABLE schedule_firing (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        schedule INTEGER NOT NULL REFERENCES schedule (number) ON DELETE CASCADE,
        due REAL NOT NULL,
        cause TEXT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT '',
        run TEXT,
        job TEXT,
        by_user TEXT NOT NULL DEFAULT '',
        decided_at REAL NOT NULL,
        started_at REAL,
        over INTEGER NOT NULL DEFAULT 0
    );
CREATE TABLE supervisor (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        boot TEXT NOT NULL,
        pid INTEGER NOT NULL,
        start INTEGER NOT NULL,
        started_at REAL NOT NULL,
        socket TEXT NOT NULL,
        settings TEXT NOT NULL,
        cpus INTEGER NOT NULL,
        gpus INTEGER NOT NULL,
        stopped INTEGER NOT NULL DEFAULT 0
    );
CREATE INDEX job_queue ON job (state, priority DESC, number);
CREATE INDEX job_label_value ON job_label (key, value, job);
CREATE INDEX pipeline_run_newest ON pipeline_run (pipeline, number DESC);
CREATE INDEX job_element ON job (part_of, place);
CREATE INDEX job_after_before ON job_after (before);
CREATE UNIQUE INDEX schedule_firing_once ON schedule_firing (schedule, due, cause) WHERE cause != 'hand';
CREATE INDEX schedule_firing_newest ON schedule_firing (schedule, due DESC, number DESC);
CREATE INDEX schedule_firing_open ON schedule_firing (schedule) WHERE state = 'waiting' OR (state = 'started' AND over = 0);
CREATE UNIQUE INDEX pipeline_run_key ON pipeline_run (key) WHERE key IS NOT NULL;
CREATE UNIQUE INDEX pipeline_run_one ON pipeline_run (pipeline, lane) WHERE state = 'running';
CREATE INDEX deployment_change_of ON deployment_change (deployment, id);
CREATE INDEX alert_history_newest ON alert_history (monitor, rule, labels, number DESC);
CREATE INDEX alert_delivery_waiting ON alert_delivery (next_at) WHERE state = 'waiting';
CREATE INDEX deployment_plan_of ON deployment_plan (deployment, id);
CREATE INDEX deployment_replay_of ON deployment_replay (deployment, id);
CREATE INDEX deployment_key_of ON deployment_key (deployment, created_at);
CREATE INDEX deployment_audit_of ON deployment_audit (deployment, id);
CREATE TRIGGER deployment_audit_no_UPDATE BEFORE UPDATE ON deployment_audit BEGIN SELECT RAISE(ABORT, 'the audit log is not changed'); END;
CREATE TRIGGER deployment_audit_no_DELETE BEFORE DELETE ON deployment_audit BEGIN SELECT RAISE(ABORT, 'the audit log is not changed'); END;
CREATE INDEX catalog_result_of ON catalog_result (dataset, rule, at);
CREATE INDEX catalog_audit_of ON catalog_audit (dataset, at);
CREATE TRIGGER catalog_audit_no_UPDATE BEFORE UPDATE ON catalog_audit BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;
CREATE TRIGGER catalog_audit_no_DELETE BEFORE DELETE ON catalog_audit BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;
DELETE FROM "sqlite_sequence";
COMMIT;
