import { ActionIcon, Indicator, Popover, Tooltip } from '@mantine/core';
import { Bell } from 'lucide-react';
import { useState } from 'react';
import { formatDateTime, plural } from '../live/format.ts';
import type { LiveRun } from '../live/liveRun.ts';
import { useSignal } from '../live/useSignal.ts';
import classes from './RunControls.module.css';
import { useRunStore } from './runStore.ts';

/** What happened to the run as a whole, newest first: crashes survived, storage refused, errors. */
export function NoticeList() {
  const live = useRunStore((state) => state.live);
  return live ? <Notices live={live} /> : null;
}

function Notices({ live }: { live: LiveRun }) {
  const [opened, setOpened] = useState(false);
  useSignal(live.changed);
  const seen = useRunStore((state) => state.noticesSeen);
  const controller = useRunStore((state) => state.controller);
  const { notices } = live;
  if (notices.next === 0) return null;
  const unseen = Math.max(0, notices.next - Math.max(seen, 0));
  const newestFirst = [...notices.from(0)].reverse();

  return (
    <Popover
      opened={opened}
      onChange={setOpened}
      position="bottom-end"
      width={400}
      shadow="md"
      withinPortal
      trapFocus
    >
      <Popover.Target>
        <Tooltip label={plural(notices.next, 'notice')} disabled={opened}>
          <Indicator disabled={unseen === 0} label={unseen} size={15} color="red" offset={3}>
            <ActionIcon
              variant="default"
              size={28}
              aria-label={`Notices of this run: ${notices.next}, ${unseen} new`}
              aria-expanded={opened}
              data-testid="run-notices"
              onClick={() => {
                setOpened(!opened);
                controller?.markNoticesSeen();
              }}
            >
              <Bell size={15} aria-hidden />
            </ActionIcon>
          </Indicator>
        </Tooltip>
      </Popover.Target>
      <Popover.Dropdown p={0}>
        <ul className={classes.notices} aria-label="Notices of this run">
          {newestFirst.map((notice, index) => (
            <li key={notices.next - index} data-level={notice.level}>
              <time>{formatDateTime(notice.timeMs)}</time>
              <p>{notice.message}</p>
            </li>
          ))}
        </ul>
        {notices.first > 0 ? (
          <p className={classes.foot}>{plural(notices.first, 'older notice')} not shown.</p>
        ) : null}
      </Popover.Dropdown>
    </Popover>
  );
}
