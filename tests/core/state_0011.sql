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
INSERT INTO "alarm" VALUES('schedules',1.79577699863575601e+09,1.79577696863575601e+09,'jupyter_mlinfra.pipelines.schedules.ring','["--project", "/home/ana/flights", "--open", "jupyter_mlinfra.workbench:current"]','/home/ana/flights/.mlinfra/logs/schedules.log');
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0011');
CREATE TABLE alert (
            monitor TEXT NOT NULL REFERENCES monitor(name) ON DELETE CASCADE,
            rule TEXT NOT NULL,
            state TEXT NOT NULL,
            severity TEXT NOT NULL,
            value REAL,
            rows INTEGER,
            threshold REAL NOT NULL,
            subject TEXT NOT NULL,
            text TEXT NOT NULL,
            since TEXT NOT NULL,
            evaluated_at TEXT,
            PRIMARY KEY (monitor, rule)
        );
INSERT INTO "alert" VALUES('flights','drift','firing','warning',2.88854348291694673e+00,25580,0.2,'temp','PSI of temp is 2.89, limit 0.2, over 25,580 rows','2026-11-27T10:52:45.250724Z','2026-11-27T10:52:45.250724Z');
INSERT INTO "alert" VALUES('flights','failed','ok','critical',0.0,1408,0.01,'','0 of 1,408 requests failed, limit 1 %','2026-11-27T10:52:45.250724Z','2026-11-27T10:52:45.250724Z');
INSERT INTO "alert" VALUES('flights','refused','ok','warning',0.0,1408,0.05,'','0 of 1,408 requests were refused, limit 5 %','2026-11-27T10:52:45.250724Z','2026-11-27T10:52:45.250724Z');
INSERT INTO "alert" VALUES('new','o''clock','no_data','warning',NULL,NULL,0.5,'','','2026-03-01T12:00:00+00:00',NULL);
CREATE TABLE deployment (
        name TEXT PRIMARY KEY,
        namespace TEXT NOT NULL,
        target TEXT NOT NULL,
        model TEXT NOT NULL,
        up INTEGER NOT NULL DEFAULT 1,
        created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL
    );
INSERT INTO "deployment" VALUES('flights','flights','local','flights',1,'2026-11-27T10:49:57.648606Z','2026-11-27T10:56:03.224854Z');
INSERT INTO "deployment" VALUES('hand','test','local','hand',0,'2026-03-01T12:00:00+00:00','2026-03-01T12:00:00.250000Z');
CREATE TABLE deployment_change (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        deployment TEXT NOT NULL REFERENCES deployment (name) ON DELETE CASCADE,
        at TEXT NOT NULL,
        user TEXT NOT NULL,
        verb TEXT NOT NULL,
        text TEXT NOT NULL,
        reason TEXT NOT NULL,
        traffic TEXT NOT NULL,
        returns_to INTEGER
    );
INSERT INTO "deployment_change" VALUES(1,'flights','2026-11-27T10:50:34.591573Z','ana','deploy','v1 deployed, v1 0 → 100 %','made by the pipeline','{"v1": 100}',NULL);
INSERT INTO "deployment_change" VALUES(2,'flights','2026-11-27T10:51:13.177177Z','ana','deploy','v2 deployed','made by the pipeline','{"v1": 100, "v2": 0}',NULL);
INSERT INTO "deployment_change" VALUES(3,'flights','2026-11-27T10:51:13.612991Z','ana','traffic','v1 100 → 90 %, v2 0 → 10 %','the champion, and a canary beside it','{"v1": 90, "v2": 10}',NULL);
INSERT INTO "deployment_change" VALUES(4,'flights','2026-11-27T10:56:03.224854Z','ana','rollback','v1 90 → 100 %, v2 10 → 0 %','too slow','{"v1": 100, "v2": 0}',1);
INSERT INTO "deployment_change" VALUES(9,'hand','2026-03-01T12:00:00Z','ana','deploy','v1','','{}',NULL);
CREATE TABLE deployment_process (
        token TEXT PRIMARY KEY,
        deployment TEXT NOT NULL,
        version TEXT NOT NULL,
        slot INTEGER NOT NULL,
        boot TEXT NOT NULL,
        pid INTEGER NOT NULL,
        start INTEGER NOT NULL,
        started_at TEXT NOT NULL
    );
INSERT INTO "deployment_process" VALUES('mlinfra-serve-f736b7ef2e30-flights.v1-0','flights','v1',0,'11111111-2222-3333-4444-555555555555',27126,2790780,'2026-11-27T10:50:00.220424Z');
INSERT INTO "deployment_process" VALUES('mlinfra-serve-f736b7ef2e30-flights.v1-1','flights','v1',1,'11111111-2222-3333-4444-555555555555',27132,2790791,'2026-11-27T10:50:00.289407Z');
INSERT INTO "deployment_process" VALUES('mlinfra-gateway-f736b7ef2e30','','gateway',0,'11111111-2222-3333-4444-555555555555',27135,2790798,'2026-11-27T10:50:00.374920Z');
INSERT INTO "deployment_process" VALUES('mlinfra-serve-f736b7ef2e30-flights.v2-0','flights','v2',0,'11111111-2222-3333-4444-555555555555',28198,2794290,'2026-11-27T10:50:35.300678Z');
INSERT INTO "deployment_process" VALUES('mlinfra-serve-f736b7ef2e30-flights.v2-1','flights','v2',1,'11111111-2222-3333-4444-555555555555',28203,2794310,'2026-11-27T10:50:35.516609Z');
CREATE TABLE deployment_target (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        wish INTEGER NOT NULL DEFAULT 0,
        done INTEGER NOT NULL DEFAULT 0,
        port INTEGER NOT NULL DEFAULT 0,
        trouble TEXT NOT NULL DEFAULT ''
    );
INSERT INTO "deployment_target" VALUES(1,9,9,25347,'');
CREATE TABLE deployment_version (
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
        created_at TEXT NOT NULL,
        used_at TEXT NOT NULL,
        PRIMARY KEY (deployment, version)
    );
INSERT INTO "deployment_version" VALUES('flights','v1',1,'/home/ana/flights/.mlinfra/deployments/bundles/61554ac3252b2c61','/home/ana/.cache/jupyter-mlinfra/environments/6feb6a983894f0c3/bin/python','ready','',100,1,1,'[{"name": "signature", "limit": "inputs are named and typed", "measured": "25 inputs, 18 may be missing; answers probabilities", "passed": true}, {"name": "start", "limit": "every process answers", "measured": "2 in 9.6 s", "passed": true}, {"name": "equal", "limit": "answers differ from the model''s own by at most 1e-06", "measured": "0 over 100 rows", "passed": true}, {"name": "refuses", "limit": "bad requests get 4xx with a reason", "measured": "4 of 4", "passed": true}, {"name": "latency", "limit": "p99 at most 100 ms for one row", "measured": "p99 99.4 ms over 1,000 requests", "passed": true}]',2,'','2026-11-27T10:49:57.648606Z','2026-11-27T10:56:03.224649Z');
INSERT INTO "deployment_version" VALUES('flights','v2',2,'/home/ana/flights/.mlinfra/deployments/bundles/4c424437ea083874','/home/ana/.cache/jupyter-mlinfra/environments/6feb6a983894f0c3/bin/python','ready','',0,1,1,'[{"name": "signature", "limit": "inputs are named and typed", "measured": "25 inputs, 18 may be missing; answers probabilities", "passed": true}, {"name": "start", "limit": "every process answers", "measured": "2 in 9.0 s", "passed": true}, {"name": "equal", "limit": "answers differ from the model''s own by at most 1e-06", "measured": "0 over 100 rows", "passed": true}, {"name": "refuses", "limit": "bad requests get 4xx with a reason", "measured": "4 of 4", "passed": true}, {"name": "latency", "limit": "p99 at most 100 ms for one row", "measured": "p99 42.4 ms over 1,000 requests", "passed": true}]',2,'','2026-11-27T10:50:35.103017Z','2026-11-27T10:56:03.224649Z');
INSERT INTO "deployment_version" VALUES('hand','v1',1,'','','failed','',0,0,0,'[]',1,'','1969-12-31T23:59:59.500000Z','2026-03-01T12:00:00.123456+00:00');
CREATE TABLE event (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at TEXT NOT NULL,
            topic TEXT NOT NULL,
            ref TEXT NOT NULL,
            data TEXT NOT NULL
        );
INSERT INTO "event" VALUES(140,'2026-11-27T10:54:32.796463Z','job','job:1e16c51c','{"state": "queued", "name": "first", "reason": "Waits for its turn.", "progress": null}');
INSERT INTO "event" VALUES(141,'2026-11-27T10:54:32.800753Z','job','job:1e16c51c','{"state": "starting", "name": "first", "reason": "", "progress": null}');
INSERT INTO "event" VALUES(142,'2026-11-27T10:54:32.819076Z','job','job:1e16c51c','{"state": "running", "name": "first", "reason": "", "progress": null}');
INSERT INTO "event" VALUES(143,'2026-11-27T10:54:34.912956Z','job','job:1e16c51c','{"state": "succeeded", "name": "first", "reason": "", "progress": null}');
INSERT INTO "event" VALUES(144,'2026-11-27T10:54:55.966644Z','job','job:55eb2f3b','{"state": "queued", "name": "long", "reason": "Waits for its turn.", "progress": null}');
INSERT INTO "event" VALUES(145,'2026-11-27T10:54:55.968763Z','job','job:55eb2f3b','{"state": "starting", "name": "long", "reason": "", "progress": null}');
INSERT INTO "event" VALUES(146,'2026-11-27T10:54:55.987782Z','job','job:55eb2f3b','{"state": "running", "name": "long", "reason": "", "progress": null}');
INSERT INTO "event" VALUES(147,'2026-11-27T10:54:59.478193Z','job','job:c738f944','{"state": "queued", "name": "second", "reason": "Starts after job 55eb2f3b.", "progress": null}');
INSERT INTO "event" VALUES(148,'2026-11-27T10:55:03.338778Z','job','job:e89c9c18','{"state": "queued", "name": "third", "reason": "Waits for its turn.", "progress": null}');
INSERT INTO "event" VALUES(149,'2026-11-27T10:55:03.341428Z','job','job:e89c9c18','{"state": "starting", "name": "third", "reason": "", "progress": null}');
INSERT INTO "event" VALUES(150,'2026-11-27T10:55:03.356556Z','job','job:e89c9c18','{"state": "running", "name": "third", "reason": "", "progress": null}');
INSERT INTO "event" VALUES(151,'2026-11-27T10:55:03.419145Z','job','job:e89c9c18','{"state": "succeeded", "name": "third", "reason": "", "progress": null}');
INSERT INTO "event" VALUES(152,'2026-11-27T10:55:06.442284Z','job','job:c738f944','{"state": "queued", "name": "second", "reason": "Held by ana; `release` lets it start.", "progress": null}');
INSERT INTO "event" VALUES(153,'2026-11-27T10:55:10.712337Z','schedule','schedule:nightly','{"change": "created"}');
INSERT INTO "event" VALUES(154,'2026-11-27T10:55:15.133677Z','schedule','schedule:weekly','{"change": "created"}');
INSERT INTO "event" VALUES(155,'2026-11-27T10:55:19.757744Z','schedule','schedule:often','{"change": "created"}');
INSERT INTO "event" VALUES(156,'2026-11-27T10:55:23.928685Z','job','job:8bcc78fa','{"state": "queued", "name": "often", "reason": "Waits for its turn.", "progress": null}');
INSERT INTO "event" VALUES(157,'2026-11-27T10:55:23.930799Z','job','job:8bcc78fa','{"state": "starting", "name": "often", "reason": "", "progress": null}');
INSERT INTO "event" VALUES(158,'2026-11-27T10:55:23.936427Z','schedule','schedule:often','{"change": "started"}');
INSERT INTO "event" VALUES(159,'2026-11-27T10:55:23.966689Z','job','job:8bcc78fa','{"state": "running", "name": "often", "reason": "", "progress": null}');
INSERT INTO "event" VALUES(160,'2026-11-27T10:56:03.224964Z','deployment','deployment:flights','{"verb": "rollback", "traffic": {"v1": 100, "v2": 0}, "text": "v1 90 \u2192 100 %, v2 10 \u2192 0 %"}');
INSERT INTO "event" VALUES(161,'2026-11-27T10:56:04.421768Z','schedule','schedule:nightly','{"change": "due"}');
INSERT INTO "event" VALUES(162,'2026-11-27T10:56:04.450239Z','schedule','schedule:often','{"change": "due"}');
INSERT INTO "event" VALUES(163,'2026-11-27T10:56:04.700082Z','step','pipeline:flights','{"run": "b5040dfb", "pipeline": "flights", "state": "running", "reason": ""}');
INSERT INTO "event" VALUES(164,'2026-11-27T10:56:04.874355Z','schedule','schedule:nightly','{"change": "started"}');
INSERT INTO "event" VALUES(165,'2026-11-27T10:56:04.975559Z','schedule','schedule:often','{"change": "skipped"}');
INSERT INTO "event" VALUES(166,'2026-11-27T10:56:08.656808Z','schedule','schedule:nightly','{"change": "paused"}');
INSERT INTO "event" VALUES(167,'2026-11-27T10:56:10.517696Z','step','step:flights/ingest','{"run": "b5040dfb", "pipeline": "flights", "state": "cached", "reason": "nothing changed", "job": "a2a5868e"}');
INSERT INTO "event" VALUES(168,'2026-11-27T10:56:10.604286Z','step','step:flights/explore','{"run": "b5040dfb", "pipeline": "flights", "state": "cached", "reason": "nothing changed", "job": "ce12e604"}');
INSERT INTO "event" VALUES(169,'2026-11-27T10:56:10.967928Z','step','step:flights/features','{"run": "b5040dfb", "pipeline": "flights", "state": "cached", "reason": "nothing changed", "job": "afbca0ee"}');
INSERT INTO "event" VALUES(170,'2026-11-27T10:56:11.190547Z','step','step:flights/train','{"run": "b5040dfb", "pipeline": "flights", "state": "cached", "reason": "nothing changed", "job": "30797b65"}');
INSERT INTO "event" VALUES(171,'2026-11-27T10:56:11.292268Z','step','step:flights/evaluate','{"run": "b5040dfb", "pipeline": "flights", "state": "cached", "reason": "nothing changed", "job": "3bad9d1d"}');
INSERT INTO "event" VALUES(172,'2026-11-27T10:56:11.479098Z','step','step:flights/deploy','{"run": "b5040dfb", "pipeline": "flights", "state": "cached", "reason": "nothing changed", "job": "79278b1e"}');
INSERT INTO "event" VALUES(173,'2026-11-27T10:56:11.555217Z','step','step:flights/monitor','{"run": "b5040dfb", "pipeline": "flights", "state": "cached", "reason": "nothing changed", "job": "233e4773"}');
INSERT INTO "event" VALUES(174,'2026-11-27T10:56:11.573510Z','step','pipeline:flights','{"run": "b5040dfb", "pipeline": "flights", "state": "succeeded", "reason": ""}');
INSERT INTO "event" VALUES(175,'2026-11-27T10:56:20.839443Z','job','job:8bcc78fa','{"state": "running", "name": "often", "reason": "Is being cancelled by ana.", "progress": null}');
INSERT INTO "event" VALUES(176,'2026-11-27T10:56:20.890445Z','job','job:c738f944','{"state": "cancelled", "name": "second", "reason": "Cancelled by ana before it started.", "progress": null}');
INSERT INTO "event" VALUES(177,'2026-11-27T10:56:20.903572Z','job','job:55eb2f3b','{"state": "running", "name": "long", "reason": "Is being cancelled by ana.", "progress": null}');
INSERT INTO "event" VALUES(178,'2026-11-27T10:56:20.959133Z','job','job:8bcc78fa','{"state": "cancelled", "name": "often", "reason": "Cancelled by ana.", "progress": null}');
INSERT INTO "event" VALUES(179,'2026-11-27T10:56:21.020988Z','job','job:55eb2f3b','{"state": "cancelled", "name": "long", "reason": "Cancelled by ana.", "progress": null}');
INSERT INTO "event" VALUES(1001,'2026-03-01T12:00:00+00:00','run','run:a','{}');
INSERT INTO "event" VALUES(1002,'2026-03-01T12:00:00.000001Z','run','run:b','{}');
INSERT INTO "event" VALUES(1003,'2026-03-01T13:30:00.999999+01:30','run','run:c','{}');
INSERT INTO "event" VALUES(1004,'2026-03-01T12:00:00','run','run:d','{}');
INSERT INTO "event" VALUES(1005,'','run','run:e','{}');
INSERT INTO "event" VALUES(1006,'2026-10-25T02:30:00.5+02:00','run','run:f','{}');
INSERT INTO "event" VALUES(1007,'yesterday','run','run:g','{}');
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
INSERT INTO "job" VALUES(1,'a2a5868e','pipeline/7b0098dd/ingest/1','flights/ingest','succeeded','','local','ana','{"notebook": "01_ingest.ipynb", "command": [], "parameters": {}, "output": ".mlinfra/runs/7b0098dd/ingest.ipynb", "name": "flights/ingest", "cwd": null, "environment": {"MLFLOW_RUN_CONTEXT": "{\"mlinfra.pipeline\": \"flights\", \"mlinfra.step\": \"flights/ingest\", \"mlinfra.run\": \"7b0098dd\"}"}, "gpus": 0, "gpu_type": null, "cpus": 1, "memory_gib": null, "time_limit_minutes": null, "priority": 50, "retries": 0, "backend": null, "queue": null, "array": [], "max_parallel": null, "after": [], "checkpoints": null, "key": "pipeline/7b0098dd/ingest/1", "labels": {"pipeline": "flights", "run": "7b0098dd", "step": "ingest"}}','{"folder": "/home/ana/flights", "command": [], "python": "/home/ana/venv/bin/python", "environment": "/dev/shm/mlinfra-1000/4a91be67f4862833/6ce7b2121c2ce25df944bcf5820336ae.environment", "kernel": "python3"}','b0aab4710398860c0d73b3ff53167fd8',50,1,0,0.0,1,0,0,0.0,'','[]','d764242ac9b987f71d220f8f7174cb87','11111111-2222-3333-4444-555555555555',13312,2736776,0,1.0,'4 cells',1.79577605924610209e+09,1.79577606017318296e+09,1.79577608560136699e+09,1.79577608560136699e+09,NULL,NULL,NULL,'','',NULL);
INSERT INTO "job" VALUES(2,'ce12e604','pipeline/7b0098dd/explore/1','flights/explore','succeeded','','local','ana','{"notebook": "02_explore.ipynb", "command": [], "parameters": {}, "output": ".mlinfra/runs/7b0098dd/explore.ipynb", "name": "flights/explore", "cwd": null, "environment": {"MLFLOW_RUN_CONTEXT": "{\"mlinfra.pipeline\": \"flights\", \"mlinfra.step\": \"flights/explore\", \"mlinfra.run\": \"7b0098dd\"}"}, "gpus": 0, "gpu_type": null, "cpus": 1, "memory_gib": null, "time_limit_minutes": null, "priority": 50, "retries": 0, "backend": null, "queue": null, "array": [], "max_parallel": null, "after": [], "checkpoints": null, "key": "pipeline/7b0098dd/explore/1", "labels": {"pipeline": "flights", "run": "7b0098dd", "step": "explore"}}','{"folder": "/home/ana/flights", "command": [], "python": "/home/ana/venv/bin/python", "environment": "/dev/shm/mlinfra-1000/4a91be67f4862833/6ce7b2121c2ce25df944bcf5820336ae.environment", "kernel": "python3"}','b89885df096eee36695f3891d5bf7d16',50,1,0,0.0,1,0,0,0.0,'','[]','warm-8f291e2bbadd-393cbe9a31ba7269','11111111-2222-3333-4444-555555555555',13314,2736780,0,1.0,'5 cells',1.79577608677441596e+09,1.79577608681948494e+09,1.7957761087223761e+09,1.7957761087223761e+09,NULL,NULL,NULL,'','',NULL);
INSERT INTO "job" VALUES(3,'afbca0ee','pipeline/7b0098dd/features/1','flights/features','succeeded','','local','ana','{"notebook": "03_features.ipynb", "command": [], "parameters": {}, "output": ".mlinfra/runs/7b0098dd/features.ipynb", "name": "flights/features", "cwd": null, "environment": {"MLFLOW_RUN_CONTEXT": "{\"mlinfra.pipeline\": \"flights\", \"mlinfra.step\": \"flights/features\", \"mlinfra.run\": \"7b0098dd\"}"}, "gpus": 0, "gpu_type": null, "cpus": 1, "memory_gib": null, "time_limit_minutes": null, "priority": 50, "retries": 0, "backend": null, "queue": null, "array": [], "max_parallel": null, "after": [], "checkpoints": null, "key": "pipeline/7b0098dd/features/1", "labels": {"pipeline": "flights", "run": "7b0098dd", "step": "features"}}','{"folder": "/home/ana/flights", "command": [], "python": "/home/ana/venv/bin/python", "environment": "/dev/shm/mlinfra-1000/4a91be67f4862833/6ce7b2121c2ce25df944bcf5820336ae.environment", "kernel": "python3"}','b89885df096eee36695f3891d5bf7d16',50,1,0,0.0,1,0,0,0.0,'','[]','warm-ready-e68771b90716225ec419d094852f6f39','11111111-2222-3333-4444-555555555555',13823,2739445,0,1.0,'6 cells',1.79577608699539804e+09,1.79577608708091807e+09,1.795776197748497e+09,1.795776197748497e+09,NULL,NULL,NULL,'','',NULL);
INSERT INTO "job" VALUES(4,'30797b65','pipeline/7b0098dd/train/1','flights/train','succeeded','','local','ana','{"notebook": "04_train.ipynb", "command": [], "parameters": {}, "output": ".mlinfra/runs/7b0098dd/train.ipynb", "name": "flights/train", "cwd": null, "environment": {"MLFLOW_RUN_CONTEXT": "{\"mlinfra.pipeline\": \"flights\", \"mlinfra.step\": \"flights/train\", \"mlinfra.run\": \"7b0098dd\"}"}, "gpus": 0, "gpu_type": null, "cpus": 2, "memory_gib": null, "time_limit_minutes": null, "priority": 50, "retries": 0, "backend": null, "queue": null, "array": [], "max_parallel": null, "after": [], "checkpoints": null, "key": "pipeline/7b0098dd/train/1", "labels": {"pipeline": "flights", "run": "7b0098dd", "step": "train"}}','{"folder": "/home/ana/flights", "command": [], "python": "/home/ana/venv/bin/python", "environment": "/dev/shm/mlinfra-1000/4a91be67f4862833/6ce7b2121c2ce25df944bcf5820336ae.environment", "kernel": "python3"}','b89885df096eee36695f3891d5bf7d16',50,2,0,0.0,1,0,0,0.0,'','[]','warm-8f291e2bbadd-89c385bf9ebfd5d9','11111111-2222-3333-4444-555555555555',14206,2741635,0,1.0,'4 cells',1.79577619862947201e+09,1.79577619865999102e+09,1.7957763999337151e+09,1.7957763999337151e+09,NULL,NULL,NULL,'','',NULL);
INSERT INTO "job" VALUES(5,'3bad9d1d','pipeline/7b0098dd/evaluate/1','flights/evaluate','succeeded','','local','ana','{"notebook": "05_evaluate.ipynb", "command": [], "parameters": {}, "output": ".mlinfra/runs/7b0098dd/evaluate.ipynb", "name": "flights/evaluate", "cwd": null, "environment": {"MLFLOW_RUN_CONTEXT": "{\"mlinfra.pipeline\": \"flights\", \"mlinfra.step\": \"flights/evaluate\", \"mlinfra.run\": \"7b0098dd\"}"}, "gpus": 0, "gpu_type": null, "cpus": 1, "memory_gib": null, "time_limit_minutes": null, "priority": 50, "retries": 0, "backend": null, "queue": null, "array": [], "max_parallel": null, "after": [], "checkpoints": null, "key": "pipeline/7b0098dd/evaluate/1", "labels": {"pipeline": "flights", "run": "7b0098dd", "step": "evaluate"}}','{"folder": "/home/ana/flights", "command": [], "python": "/home/ana/venv/bin/python", "environment": "/dev/shm/mlinfra-1000/4a91be67f4862833/6ce7b2121c2ce25df944bcf5820336ae.environment", "kernel": "python3"}','b89885df096eee36695f3891d5bf7d16',50,1,0,0.0,1,0,0,0.0,'','[]','597115f736259b2c24089b3930a115c9','11111111-2222-3333-4444-555555555555',21607,2770881,0,1.0,'7 cells',1.79577640116468811e+09,1.79577640119952297e+09,1.79577659287428808e+09,1.79577659287428808e+09,NULL,NULL,NULL,'','',NULL);
INSERT INTO "job" VALUES(6,'79278b1e','pipeline/7b0098dd/deploy/1','flights/deploy','succeeded','','local','ana','{"notebook": "06_deploy.ipynb", "command": [], "parameters": {}, "output": ".mlinfra/runs/7b0098dd/deploy.ipynb", "name": "flights/deploy", "cwd": null, "environment": {"MLFLOW_RUN_CONTEXT": "{\"mlinfra.pipeline\": \"flights\", \"mlinfra.step\": \"flights/deploy\", \"mlinfra.run\": \"7b0098dd\"}"}, "gpus": 0, "gpu_type": null, "cpus": 1, "memory_gib": null, "time_limit_minutes": null, "priority": 50, "retries": 0, "backend": null, "queue": null, "array": [], "max_parallel": null, "after": [], "checkpoints": null, "key": "pipeline/7b0098dd/deploy/1", "labels": {"pipeline": "flights", "run": "7b0098dd", "step": "deploy"}}','{"folder": "/home/ana/flights", "command": [], "python": "/home/ana/venv/bin/python", "environment": "/dev/shm/mlinfra-1000/4a91be67f4862833/6ce7b2121c2ce25df944bcf5820336ae.environment", "kernel": "python3"}','b89885df096eee36695f3891d5bf7d16',50,1,0,0.0,1,0,0,0.0,'','[]','warm-8f291e2bbadd-4eb705706df5a309','11111111-2222-3333-4444-555555555555',21538,2770758,0,1.0,'5 cells',1.79577659376803207e+09,1.79577659385751509e+09,1.795776704821738e+09,1.795776704821738e+09,NULL,NULL,NULL,'','',NULL);
INSERT INTO "job" VALUES(7,'233e4773','pipeline/7b0098dd/monitor/1','flights/monitor','succeeded','','local','ana','{"notebook": "07_monitor.ipynb", "command": [], "parameters": {}, "output": ".mlinfra/runs/7b0098dd/monitor.ipynb", "name": "flights/monitor", "cwd": null, "environment": {"MLFLOW_RUN_CONTEXT": "{\"mlinfra.pipeline\": \"flights\", \"mlinfra.step\": \"flights/monitor\", \"mlinfra.run\": \"7b0098dd\"}"}, "gpus": 0, "gpu_type": null, "cpus": 1, "memory_gib": null, "time_limit_minutes": null, "priority": 50, "retries": 0, "backend": null, "queue": null, "array": [], "max_parallel": null, "after": [], "checkpoints": null, "key": "pipeline/7b0098dd/monitor/1", "labels": {"pipeline": "flights", "run": "7b0098dd", "step": "monitor"}}','{"folder": "/home/ana/flights", "command": [], "python": "/home/ana/venv/bin/python", "environment": "/dev/shm/mlinfra-1000/4a91be67f4862833/6ce7b2121c2ce25df944bcf5820336ae.environment", "kernel": "python3"}','0c096159a3ad969e532805fc504de1d8',50,1,0,0.0,1,0,0,0.0,'','[]','warm-8f291e2bbadd-7861fe700f9ce42e','11111111-2222-3333-4444-555555555555',26966,2790343,0,1.0,'7 cells',1.79577670565644311e+09,1795776705.66787,1.79577679688358497e+09,1.79577679688358497e+09,NULL,NULL,NULL,'','',NULL);
INSERT INTO "job" VALUES(8,'79354adf','k-1','sweep/0','succeeded','','local','ana','{"notebook": null, "command": ["sleep", "1"], "parameters": {}, "output": null, "name": "sweep", "cwd": null, "environment": {"depth": "3"}, "gpus": 0, "gpu_type": null, "cpus": 0, "memory_gib": null, "time_limit_minutes": null, "priority": 50, "retries": 0, "backend": null, "queue": null, "array": [], "max_parallel": null, "after": [], "checkpoints": null, "key": null, "labels": {}}','{"folder": "/home/ana/flights", "command": ["sleep", "1"], "python": "/home/ana/venv/bin/python", "environment": "/dev/shm/mlinfra-1000/4a91be67f4862833/1008179e49fcee77dd5efdcf8506e0be.environment", "kernel": ""}',NULL,50,0,0,0.0,1,0,0,0.0,'','[]','227cb70f59ace6815aa8efb74ad83244','11111111-2222-3333-4444-555555555555',1534,2817677,0,NULL,'',1.79577686913155293e+09,1.79577686915673303e+09,1.79577687021126389e+09,1.79577687021126389e+09,'a65ba079',0,NULL,'','',NULL);
INSERT INTO "job" VALUES(9,'5a7899dd',NULL,'sweep/1','succeeded','','local','ana','{"notebook": null, "command": ["sleep", "1"], "parameters": {}, "output": null, "name": "sweep", "cwd": null, "environment": {"depth": "4"}, "gpus": 0, "gpu_type": null, "cpus": 0, "memory_gib": null, "time_limit_minutes": null, "priority": 50, "retries": 0, "backend": null, "queue": null, "array": [], "max_parallel": null, "after": [], "checkpoints": null, "key": null, "labels": {}}','{"folder": "/home/ana/flights", "command": ["sleep", "1"], "python": "/home/ana/venv/bin/python", "environment": "/dev/shm/mlinfra-1000/4a91be67f4862833/1008179e49fcee77dd5efdcf8506e0be.environment", "kernel": ""}',NULL,50,0,0,0.0,1,0,0,0.0,'','[]','e21f0a81254a0211f834f6da5004265c','11111111-2222-3333-4444-555555555555',1536,2817678,0,NULL,'',1.79577686913155293e+09,1.7957768691800189e+09,1.79577687024302911e+09,1.79577687024302911e+09,'a65ba079',1,NULL,'','',NULL);
INSERT INTO "job" VALUES(10,'1e16c51c',NULL,'first','succeeded','','local','ana','{"notebook": null, "command": ["sleep", "2"], "parameters": {}, "output": null, "name": "first", "cwd": null, "environment": {"TOKEN": "env:HOME"}, "gpus": 0, "gpu_type": "A100", "cpus": 0, "memory_gib": 0.5, "time_limit_minutes": 2.5, "priority": 50, "retries": 2, "backend": null, "queue": null, "array": [], "max_parallel": null, "after": [], "checkpoints": null, "key": null, "labels": {}}','{"folder": "/home/ana/flights", "command": ["sleep", "2"], "python": "/home/ana/venv/bin/python", "environment": "/dev/shm/mlinfra-1000/4a91be67f4862833/1008179e49fcee77dd5efdcf8506e0be.environment", "kernel": ""}',NULL,50,0,0,0.5,1,0,0,0.0,'','[]','warm-ready-0fdae9a1b4596e2e30b693230536bf29','11111111-2222-3333-4444-555555555555',1538,2817684,0,NULL,'',1.79577687277583408e+09,1795776872.81892,1.79577687491280388e+09,1.79577687491280388e+09,NULL,NULL,NULL,'','',NULL);
INSERT INTO "job" VALUES(11,'55eb2f3b',NULL,'long','cancelled','Cancelled by ana.','local','ana','{"notebook": null, "command": ["sleep", "300"], "parameters": {}, "output": null, "name": "long", "cwd": null, "environment": {}, "gpus": 0, "gpu_type": null, "cpus": 0, "memory_gib": null, "time_limit_minutes": null, "priority": 50, "retries": 0, "backend": null, "queue": null, "array": [], "max_parallel": null, "after": [], "checkpoints": null, "key": null, "labels": {}}','{"folder": "/home/ana/flights", "command": ["sleep", "300"], "python": "/home/ana/venv/bin/python", "environment": "/dev/shm/mlinfra-1000/4a91be67f4862833/1008179e49fcee77dd5efdcf8506e0be.environment", "kernel": ""}',NULL,50,0,0,0.0,1,0,0,0.0,'ana','[]','c0b09a97c1115648e18d125c103e6360','11111111-2222-3333-4444-555555555555',2049,2820360,143,NULL,'',1.79577689596619892e+09,1.79577689598763895e+09,1.79577698102085304e+09,1.79577698102085304e+09,NULL,NULL,NULL,'','',NULL);
INSERT INTO "job" VALUES(12,'c738f944',NULL,'second','cancelled','Cancelled by ana before it started.','local','ana','{"notebook": null, "command": ["true"], "parameters": {}, "output": null, "name": "second", "cwd": null, "environment": {}, "gpus": 0, "gpu_type": null, "cpus": 0, "memory_gib": null, "time_limit_minutes": null, "priority": 50, "retries": 0, "backend": null, "queue": null, "array": [], "max_parallel": null, "after": ["55eb2f3b"], "checkpoints": null, "key": null, "labels": {"team": "x"}}','{"folder": "/home/ana/flights", "command": ["true"], "python": "/home/ana/venv/bin/python", "environment": "/dev/shm/mlinfra-1000/4a91be67f4862833/1008179e49fcee77dd5efdcf8506e0be.environment", "kernel": ""}',NULL,50,0,0,0.0,0,0,0,0.0,'','[]',NULL,NULL,NULL,NULL,NULL,NULL,'',1.79577689947727704e+09,NULL,1.79577698089009189e+09,1.79577698089009189e+09,NULL,NULL,NULL,'ana','',NULL);
INSERT INTO "job" VALUES(13,'e89c9c18',NULL,'third','succeeded','','local','ana','{"notebook": null, "command": ["true"], "parameters": {}, "output": null, "name": "third", "cwd": null, "environment": {}, "gpus": 0, "gpu_type": null, "cpus": 2, "memory_gib": null, "time_limit_minutes": null, "priority": 50, "retries": 0, "backend": null, "queue": null, "array": [], "max_parallel": null, "after": [], "checkpoints": null, "key": null, "labels": {}}','{"folder": "/home/ana/flights", "command": ["true"], "python": "/home/ana/venv/bin/python", "environment": "/dev/shm/mlinfra-1000/4a91be67f4862833/1008179e49fcee77dd5efdcf8506e0be.environment", "kernel": ""}',NULL,50,2,0,0.0,1,0,0,0.0,'','[]','warm-ready-5db0288476078c954ffce00bc5e6509c','11111111-2222-3333-4444-555555555555',2053,2820364,0,NULL,'',1795776903.33835,1.79577690335640311e+09,1.79577690341899395e+09,1.79577690341899395e+09,NULL,NULL,NULL,'','',NULL);
INSERT INTO "job" VALUES(14,'8bcc78fa','schedule-firing/1','often','cancelled','Cancelled by ana.','local','ana','{"notebook": null, "command": ["sleep", "100"], "parameters": {}, "output": null, "name": "often", "cwd": null, "environment": {}, "gpus": 0, "gpu_type": null, "cpus": 0, "memory_gib": null, "time_limit_minutes": null, "priority": 50, "retries": 0, "backend": null, "queue": null, "array": [], "max_parallel": null, "after": [], "checkpoints": null, "key": "schedule-firing/1", "labels": {"schedule": "often"}}','{"folder": "/home/ana/flights", "command": ["sleep", "100"], "python": "/home/ana/venv/bin/python", "environment": "/dev/shm/mlinfra-1000/4a91be67f4862833/1008179e49fcee77dd5efdcf8506e0be.environment", "kernel": ""}',NULL,50,0,0,0.0,1,0,0,0.0,'ana','[]','3585a14fafa9dbbb2b937c186d5883eb','11111111-2222-3333-4444-555555555555',2557,2823155,143,NULL,'',1.79577692390791702e+09,1.79577692396652698e+09,1795776980.95899,1795776980.95899,NULL,NULL,NULL,'','',NULL);
CREATE TABLE job_after (job INTEGER NOT NULL REFERENCES job (number) ON DELETE CASCADE, before INTEGER NOT NULL, PRIMARY KEY (job, before)) WITHOUT ROWID;
INSERT INTO "job_after" VALUES(12,11);
CREATE TABLE job_label (job INTEGER NOT NULL REFERENCES job (number) ON DELETE CASCADE, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (job, key)) WITHOUT ROWID;
INSERT INTO "job_label" VALUES(1,'pipeline','flights');
INSERT INTO "job_label" VALUES(2,'pipeline','flights');
INSERT INTO "job_label" VALUES(1,'run','7b0098dd');
INSERT INTO "job_label" VALUES(2,'run','7b0098dd');
INSERT INTO "job_label" VALUES(2,'step','explore');
INSERT INTO "job_label" VALUES(1,'step','ingest');
CREATE TABLE job_share (user TEXT PRIMARY KEY, seconds REAL NOT NULL, at REAL NOT NULL) WITHOUT ROWID;
INSERT INTO "job_share" VALUES('ana',59.6231936465165,1.79577698102085304e+09);
CREATE TABLE monitor (
            name TEXT PRIMARY KEY,
            deployment TEXT NOT NULL,
            created_at TEXT NOT NULL,
            created_by TEXT NOT NULL,
            state TEXT NOT NULL,
            rows INTEGER NOT NULL,
            worst TEXT NOT NULL,
            worst_psi REAL,
            evaluated_at TEXT,
            last_request_at TEXT
        , worst_rows INTEGER, requests INTEGER);
INSERT INTO "monitor" VALUES('flights','flights','2026-11-27T10:52:24.717332Z','ana','firing',28140,'temp',2.88854348291694673e+00,'2026-11-27T10:52:45.250724Z','2026-11-27T10:52:45.153599Z',25580,1408);
INSERT INTO "monitor" VALUES('new','flights','2026-03-01T12:00:00Z','ana','no_data',0,'',NULL,NULL,NULL,NULL,0);
CREATE TABLE outbox (job TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO "outbox" VALUES('8bcc78fa',512);
CREATE TABLE pipeline_environment (digest TEXT PRIMARY KEY, packages TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "pipeline_environment" VALUES('bccd95cca73964f8','{"numpy": "2.3.5"}');
CREATE TABLE pipeline_file (path TEXT PRIMARY KEY, stamp TEXT NOT NULL, digest TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "pipeline_file" VALUES('/home/ana/flights/feature_repo/views.py','4625 1795775660000000000 1795776052012457078 11256371','a999620aa325cd79802f3ba5aa050419376aeb9af10a7b7554c3ca38dd0b775f');
INSERT INTO "pipeline_file" VALUES('/home/ana/flights/sample.json','2142 1795776681568623293 1795776681568623293 11256219','51f9027188b644d87e78a6527f658652d6cafea3823baac7ff1c7e6c9487122d');
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
INSERT INTO "pipeline_result" VALUES('flights','deploy','',1,'{"cells": ["6e6717022482bd806d24"], "places": [2]}','{"deployment:flights": "8d5650307ebba882", "sample.json": "51f9027188b644d87e78a6527f658652d6cafea3823baac7ff1c7e6c9487122d"}','79278b1e','.mlinfra/runs/7b0098dd/deploy.ipynb');
INSERT INTO "pipeline_result" VALUES('flights','train','',1,'{"cells": ["6e6717022482bd806d24"], "places": [2]}','{"model:flights": "83c94f99ffe4528462481f59b9a82668"}','30797b65','.mlinfra/runs/7b0098dd/train.ipynb');
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
INSERT INTO "pipeline_run" VALUES(1,'7b0098dd','flights','succeeded','','ana',0,'{}','{"name":"flights","path":"flights.mlpipeline.yaml"}','["11111111-2222-3333-4444-555555555555", 13162, 2735963]',1.79577605824090099e+09,'',1.79577605820868206e+09,1.79577679714085888e+09,NULL,'','','','{"again": {}, "keep": {}, "repairs": "", "backend": null, "backfill": "", "only": "", "given": {}}');
INSERT INTO "pipeline_run" VALUES(2,'b5040dfb','flights','succeeded','','ana',0,'{}','{"name":"flights","path":"flights.mlpipeline.yaml"}','["11111111-2222-3333-4444-555555555555", 4123, 2827249]',1.79577696851540493e+09,'',1.79577696467566609e+09,1.79577697157279396e+09,'schedule-firing/2','','','','{"again": {}, "keep": {}, "repairs": "", "backend": null, "backfill": "", "only": "", "given": {}}');
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
INSERT INTO "pipeline_step" VALUES(1,0,'ingest','succeeded','first run','a2a5868e','.mlinfra/runs/7b0098dd/ingest.ipynb',1,'{"cells": ["6e6717022482bd806d24"], "places": [2]}',1.79577606017318296e+09,1.79577608560136699e+09,'["first run"]','first run');
INSERT INTO "pipeline_step" VALUES(1,1,'explore','succeeded','first run','ce12e604','.mlinfra/runs/7b0098dd/explore.ipynb',1,'{"cells": ["6e6717022482bd806d24"], "places": [2]}',1.79577608681948494e+09,1.7957761087223761e+09,'["first run"]','first run');
INSERT INTO "pipeline_step" VALUES(1,2,'features','succeeded','first run','afbca0ee','.mlinfra/runs/7b0098dd/features.ipynb',1,'{"cells": ["6e6717022482bd806d24"], "places": [2]}',1.79577608708091807e+09,1.795776197748497e+09,'["first run"]','first run');
INSERT INTO "pipeline_step" VALUES(1,3,'train','succeeded','first run','30797b65','.mlinfra/runs/7b0098dd/train.ipynb',1,'{"cells": ["6e6717022482bd806d24"], "places": [2]}',1.79577619865999102e+09,1.7957763999337151e+09,'["first run"]','first run');
INSERT INTO "pipeline_step" VALUES(1,4,'evaluate','succeeded','first run','3bad9d1d','.mlinfra/runs/7b0098dd/evaluate.ipynb',1,'{"cells": ["6e6717022482bd806d24"], "places": [2]}',1.79577640119952297e+09,1.79577659287428808e+09,'["first run"]','first run');
INSERT INTO "pipeline_step" VALUES(1,5,'deploy','succeeded','first run','79278b1e','.mlinfra/runs/7b0098dd/deploy.ipynb',1,'{"cells": ["6e6717022482bd806d24"], "places": [2]}',1.79577659385751509e+09,1.795776704821738e+09,'["first run"]','first run');
INSERT INTO "pipeline_step" VALUES(1,6,'monitor','succeeded','first run','233e4773','.mlinfra/runs/7b0098dd/monitor.ipynb',1,'{"cells": ["6e6717022482bd806d24"], "places": [2]}',1795776705.66787,1.79577679688358497e+09,'["first run"]','first run');
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
INSERT INTO "schedule" VALUES(1,'nightly','paused','*/1 * * * *','Europe/Paris','flights',NULL,'{}','latest',21600.0,'skip','ana',1.79577691068148303e+09,1.79577696863575601e+09);
INSERT INTO "schedule" VALUES(2,'weekly','active','0 3 * * 1','UTC',NULL,'{"cpus": 1, "memory_gib": 2.0, "time_limit_minutes": 90.0, "priority": 20, "command": ["python", "flights.py"]}','{}','latest',21600.0,'skip','ana',1.79577691513209104e+09,1.79577691513209104e+09);
INSERT INTO "schedule" VALUES(3,'often','active','* * * * *','UTC',NULL,'{"gpus": 0, "cpus": 0, "command": ["sleep", "100"]}','{}','latest',21600.0,'skip','ana',1.79577691975166106e+09,1795776964.44969);
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
INSERT INTO "schedule_firing" VALUES(1,3,1795776923.0,'hand','started','',NULL,'8bcc78fa','ana',1.79577692383305192e+09,1.79577692383305192e+09,0);
INSERT INTO "schedule_firing" VALUES(2,1,1795776960.0,'clock','started','','b5040dfb',NULL,'',1.79577696442071104e+09,1.7957769644651041e+09,0);
INSERT INTO "schedule_firing" VALUES(3,3,1795776960.0,'clock','skipped','Job 8bcc78fa went on still.',NULL,NULL,'',1795776964.44969,NULL,0);
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
INSERT INTO "supervisor" VALUES(1,'11111111-2222-3333-4444-555555555555',13310,2736693,1.79577606005438089e+09,'/dev/shm/mlinfra-1000/4a91be67f4862833/supervisor.sock','e6d0b6d9e7f8ce08',2,0,0);
CREATE INDEX job_queue ON job (state, priority DESC, number);
CREATE INDEX job_label_value ON job_label (key, value, job);
CREATE INDEX pipeline_run_newest ON pipeline_run (pipeline, number DESC);
CREATE INDEX deployment_change_of ON deployment_change (deployment, id);
CREATE INDEX job_element ON job (part_of, place);
CREATE INDEX job_after_before ON job_after (before);
CREATE UNIQUE INDEX schedule_firing_once ON schedule_firing (schedule, due, cause) WHERE cause != 'hand';
CREATE INDEX schedule_firing_newest ON schedule_firing (schedule, due DESC, number DESC);
CREATE INDEX schedule_firing_open ON schedule_firing (schedule) WHERE state = 'waiting' OR (state = 'started' AND over = 0);
CREATE UNIQUE INDEX pipeline_run_key ON pipeline_run (key) WHERE key IS NOT NULL;
CREATE UNIQUE INDEX pipeline_run_one ON pipeline_run (pipeline, lane) WHERE state = 'running';
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('pipeline_run',2);
INSERT INTO "sqlite_sequence" VALUES('event',2000);
INSERT INTO "sqlite_sequence" VALUES('job',14);
INSERT INTO "sqlite_sequence" VALUES('deployment_change',77);
INSERT INTO "sqlite_sequence" VALUES('schedule',3);
INSERT INTO "sqlite_sequence" VALUES('schedule_firing',3);
COMMIT;
