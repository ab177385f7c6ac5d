import { ActionIcon, Code, CopyButton, Group, Stack, Text, Tooltip } from '@mantine/core';
import { Check, Copy } from 'lucide-react';
import type { InspectorExtraProps } from '../nodeView.ts';

/** Where to POST, ready to be copied. Takes messages while the flow runs. */
export function IngestAddress({ config, ingestBase }: InspectorExtraProps<'http'>) {
  if (ingestBase === null) return null;
  const address = `${ingestBase.replace(/\/$/, '')}/${config.path}`;
  const curl = `curl -X POST ${address} -H 'content-type: application/json' -d '{"hello":"world"}'`;
  return (
    <Stack gap={4}>
      <Text size="xs" fw={550}>
        Address while the flow runs
      </Text>
      <CopyRow text={address} label="Copy the address" />
      <CopyRow text={curl} label="Copy a curl command" />
    </Stack>
  );
}

function CopyRow({ text, label }: { text: string; label: string }) {
  return (
    <Group gap={4} wrap="nowrap">
      <Code
        style={{ flex: 1, overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' }}
        title={text}
      >
        {text}
      </Code>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <Tooltip label={copied ? 'Copied' : label}>
            <ActionIcon aria-label={label} onClick={copy}>
              {copied ? <Check size={14} /> : <Copy size={14} />}
            </ActionIcon>
          </Tooltip>
        )}
      </CopyButton>
    </Group>
  );
}
