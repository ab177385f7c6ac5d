import { Alert, Button, Skeleton, TextInput, Title } from '@mantine/core';
import { DOCUMENT_FORMAT } from '@millrace/shared/flow/document.ts';
import type { SampleSummary } from '@millrace/shared/protocol/entities.ts';
import { FileUp, Plus, Search } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useConnection, useConnectionStatus } from '../../connection/ConnectionProvider.tsx';
import { isTyping } from '../../editor/commands/keyboard.ts';
import { useImporting } from '../importing/ImportProvider.tsx';
import { Logo } from '../layout/Logo.tsx';
import { ThemeMenu } from '../layout/TopBar.tsx';
import { attempt } from '../notices.ts';
import { navigate } from '../router.ts';
import { useFlowList } from '../useFlowList.ts';
import { FlowCard } from './FlowCard.tsx';
import styles from './start.module.css';
import { Thumbnail } from './Thumbnail.tsx';

/** So many flows are seen at a glance; with more, a search helps. */
const SEARCH_FROM = 9;

export function StartScreen() {
  const connection = useConnection();
  const importing = useImporting();
  const status = useConnectionStatus();
  const { flows, error } = useFlowList();
  const [query, setQuery] = useState('');
  const [creating, setCreating] = useState(false);
  const shown = flows?.filter(({ name, description }) =>
    `${name} ${description}`.toLowerCase().includes(query.toLowerCase()),
  );

  useEffect(() => {
    document.title = 'Millrace';
    const onPaste = (event: ClipboardEvent): void => {
      const text = event.clipboardData?.getData('text/plain') ?? '';
      if (!isTyping(event.target) && text.includes(DOCUMENT_FORMAT)) importing.open(text);
    };
    document.addEventListener('paste', onPaste);
    return () => document.removeEventListener('paste', onPaste);
  }, [importing]);

  const create = (): void => {
    setCreating(true);
    attempt('New flow', async () => {
      try {
        const { document: created } = await connection.request('flow.create', { name: 'Untitled flow' });
        navigate({ screen: 'flow', flowId: created.id });
      } finally {
        setCreating(false);
      }
    });
  };

  return (
    <div className={styles.screen} data-testid="start-screen">
      <header className={styles.header}>
        <div className={styles.brand}>
          <Logo size={32} />
          <span>Millrace</span>
        </div>
        <ThemeMenu />
      </header>
      <main className={styles.content}>
        <section className={styles.intro}>
          <div>
            <Title order={1} className={styles.title}>
              Draw an event-driven system, run it, and see every event
            </Title>
            <p className={styles.lead}>
              Producers, topics and consumers on a canvas; a durable log underneath; live traces on the
              drawing.
            </p>
          </div>
          <div className={styles.actions}>
            <Button
              size="sm"
              leftSection={<Plus size={15} />}
              onClick={create}
              loading={creating}
              data-testid="new-flow"
            >
              New flow
            </Button>
            <Button
              size="sm"
              variant="default"
              leftSection={<FileUp size={15} />}
              onClick={() => importing.open()}
              data-testid="import-button"
            >
              Import…
            </Button>
          </div>
        </section>
        {status.state === 'offline' && (
          <Alert color="yellow" title="Millrace is not answering" mb="md">
            The page reconnects by itself as soon as the server runs again.
          </Alert>
        )}
        <section aria-labelledby="your-flows" className={styles.block}>
          <div className={styles.sectionHead}>
            <Title order={2} id="your-flows" className={styles.section}>
              Your flows
            </Title>
            {flows && flows.length >= SEARCH_FROM && (
              <TextInput
                aria-label="Search flows"
                placeholder="Search flows"
                leftSection={<Search size={13} />}
                value={query}
                onChange={(event) => setQuery(event.currentTarget.value)}
              />
            )}
          </div>
          {flows === null && error === null && <LoadingCards />}
          {flows === null && error !== null && <p className={styles.none}>{error.message}</p>}
          {flows?.length === 0 && <NoFlows onCreate={create} />}
          {flows && flows.length > 0 && shown?.length === 0 && (
            <p className={styles.none}>No flow like that.</p>
          )}
          <div className={styles.grid}>
            {shown?.map((flow) => (
              <FlowCard key={flow.id} flow={flow} />
            ))}
          </div>
        </section>
        <Samples />
      </main>
    </div>
  );
}

function LoadingCards() {
  return (
    <div className={styles.grid}>
      {[0, 1, 2].map((card) => (
        <Skeleton key={card} height={178} radius={10} />
      ))}
    </div>
  );
}

function NoFlows({ onCreate }: { onCreate: () => void }) {
  return (
    <div className={styles.empty} data-testid="no-flows">
      <p>
        A flow is a drawing that runs: <b className={styles.producer}>producers</b> make messages,{' '}
        <b className={styles.topic}>topics</b> keep them in order on disk,{' '}
        <b className={styles.consumer}>consumers</b> read them at their own pace.
      </p>
      <p>
        Open a sample below to see one run on real data,{' '}
        <button type="button" onClick={onCreate}>
          start with an empty canvas
        </button>
        , or drag a <span className="mr-mono">.flow.json</span> file anywhere onto this page.
      </p>
    </div>
  );
}

function Samples() {
  const connection = useConnection();
  const [samples, setSamples] = useState<readonly SampleSummary[]>([]);
  useEffect(() => {
    let isCurrent = true;
    const load = (): void => {
      connection
        .request('sample.list', {})
        .then((answer) => isCurrent && setSamples(answer.samples))
        .catch(() => {
          // The flow list beside this says what is wrong; the next connection asks again.
        });
    };
    load();
    const leave = connection.onReconnect(load);
    return () => {
      isCurrent = false;
      leave();
    };
  }, [connection]);
  if (samples.length === 0) return null;
  return (
    <section aria-labelledby="samples" className={styles.block}>
      <Title order={2} id="samples" className={styles.section}>
        Samples
      </Title>
      <div className={styles.grid}>
        {samples.map((sample) => (
          <button
            key={sample.name}
            type="button"
            className={styles.card}
            data-testid={`sample-${sample.name}`}
            onClick={() =>
              attempt(`Open ${sample.title}`, async () => {
                const opened = await connection.request('flow.createFromSample', { name: sample.name });
                navigate({ screen: 'flow', flowId: opened.document.id });
              })
            }
          >
            <Thumbnail drawn={sample.thumbnail} />
            <span className={styles.cardBody}>
              <span className={styles.cardName}>{sample.title}</span>
              <span className={styles.cardText}>{sample.description}</span>
            </span>
          </button>
        ))}
      </div>
    </section>
  );
}
