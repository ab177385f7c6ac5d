import { ActionIcon, Tooltip } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { Check, Copy } from 'lucide-react';

/** Copies a text and says so. */
export function CopyButton({ text, label }: { text: string; label: string }) {
  const clipboard = useClipboard({ timeout: 1_500 });
  return (
    <Tooltip label={clipboard.copied ? 'Copied' : label}>
      <ActionIcon
        size={20}
        aria-label={clipboard.copied ? `${label}: copied` : label}
        onClick={() => clipboard.copy(text)}
      >
        {clipboard.copied ? <Check size={12} aria-hidden /> : <Copy size={12} aria-hidden />}
      </ActionIcon>
    </Tooltip>
  );
}
