import '../../style/deployments.css';

import React, { useState } from 'react';

import type { IManifestQuery } from '../api/deployments';
import type { IDeployment, IManifests } from '../api/types';
import { Button } from '../components/button';
import { Result } from '../components/card';
import { cx } from '../components/cx';
import { Field } from '../components/field';
import { Heading } from '../components/header';
import { Select } from '../components/select';
import { useWorkbench } from '../hooks/context';
import { useQuery } from '../hooks/query';
import { useSettled } from '../hooks/settled';

type Kind = IManifestQuery['kind'];

const KINDS: readonly { value: Kind; label: string }[] = [
  { value: 'kserve', label: 'KServe InferenceService' },
  { value: 'seldon-v1', label: 'SeldonDeployment v1' },
  { value: 'core2', label: 'Seldon Core 2' }
];

/** Milliseconds after the last letter until it is asked for. */
const PAUSE = 300;

/** What a manifest needs beside the deployment: where its files or its image are. */
interface IPlace {
  image: string;
  model_uri: string;
  namespace: string;
}

/** The deployment with its present traffic as manifests for a cluster. */
export function Manifest({ deployment }: { deployment: IDeployment }): React.ReactElement {
  const { client, trans } = useWorkbench();
  const [kind, setKind] = useState<Kind>('kserve');
  const [place, setPlace] = useState<IPlace>({ image: '', model_uri: '', namespace: '' });
  const asked = JSON.parse(useSettled(JSON.stringify(place), PAUSE)) as IPlace;
  const known = Boolean(asked.image || asked.model_uri);
  const query = useQuery(
    `manifest:${deployment.name}:${kind}:${JSON.stringify(asked)}`,
    signal => client.deployments.manifest(deployment.name, { kind, ...filled(asked) }, signal),
    { when: known, topics: ['deployment'], about: deployment.ref }
  );
  const field = (
    name: keyof IPlace,
    label: string,
    placeholder: string,
    width: number
  ): React.ReactElement => (
    <Field
      label={label}
      placeholder={placeholder}
      width={width}
      value={place[name]}
      onChange={text => setPlace({ ...place, [name]: text })}
    />
  );
  return (
    <section className={cx('split')}>
      <Heading title={trans.__('Manifest')} note={trans.__('for kubectl apply')} />
      <div className={cx('bar')} role="group" aria-label={trans.__('What the manifest says')}>
        <Select
          label={trans.__('kind')}
          value={kind}
          options={KINDS}
          onChange={next => setKind(KINDS.find(({ value }) => value === next)?.value ?? kind)}
        />
        {field('model_uri', trans.__('model'), 's3://models/flights/{version}', 220)}
        {field('image', trans.__('or image'), 'registry.example.com/flights:{version}', 260)}
        {field('namespace', trans.__('namespace'), deployment.namespace, 120)}
      </div>
      {known ? (
        <Result query={query}>
          {found => <Yaml found={found} file={`${deployment.name}-${kind}.yaml`} />}
        </Result>
      ) : (
        <p className={cx('more')}>
          {trans.__(
            'A cluster fetches the model from a store, or an image holds it: say where it is. {version} stands for the number of each version.'
          )}
        </p>
      )}
    </section>
  );
}

/** Only what is filled in. */
const filled = (place: IPlace): Partial<IPlace> =>
  Object.fromEntries(Object.entries(place).filter(([, text]) => text));

function Yaml({ found, file }: { found: IManifests; file: string }): React.ReactElement {
  const { code, trans } = useWorkbench();
  return (
    <>
      <div className={cx('bar')}>
        <Button icon="copy" label={trans.__('Copy')} onClick={() => code.copy(found.yaml)} />
        <Button label={trans.__('Download')} onClick={() => download(file, found.yaml)} />
        <span className={cx('quiet')}>{file}</span>
      </div>
      <pre className={cx('deployments-yaml')} tabIndex={0} aria-label={file}>
        {found.yaml}
      </pre>
    </>
  );
}

/** Give a text to the browser as a file. */
function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/yaml' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
