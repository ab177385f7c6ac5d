import { useStore } from 'zustand';
import { createStore } from 'zustand/vanilla';
import type { ExportFormat } from './formats.ts';

type ExportDialogState = { opened: boolean; format: ExportFormat };

const dialog = createStore<ExportDialogState>(() => ({ opened: false, format: 'json' }));

export function openExport(format?: ExportFormat): void {
  dialog.setState({ opened: true, ...(format ? { format } : {}) });
}

export function setExportFormat(format: ExportFormat): void {
  dialog.setState({ format });
}

export function closeExport(): void {
  dialog.setState({ opened: false });
}

export function useExportDialog(): ExportDialogState {
  return useStore(dialog);
}
