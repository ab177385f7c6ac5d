import {
  ActionIcon,
  Button,
  type CSSVariablesResolver,
  createTheme,
  type MantineColorsTuple,
  Menu,
  Modal,
  Notification,
  NumberInput,
  SegmentedControl,
  Select,
  Switch,
  Textarea,
  TextInput,
  Tooltip,
} from '@mantine/core';

const tide: MantineColorsTuple = [
  '#eef6fb',
  '#dcebf5',
  '#b8d6ea',
  '#90bfde',
  '#6daad3',
  '#5299c9',
  '#3d8bbd',
  '#2c76a6',
  '#1b5f8c',
  '#134c72',
];

/** Cool greys for the dark scheme; Mantine paints its own surfaces with them. */
const dark: MantineColorsTuple = [
  '#e3e9ee',
  '#b9c4cd',
  '#a3b0bb',
  '#6d7d8b',
  '#3b4751',
  '#283139',
  '#1b2228',
  '#171d22',
  '#12181c',
  '#0f1418',
];

const field = { size: 'xs' as const };

/** Mantine's close buttons are a cross without a name. */
const CLOSE = { 'aria-label': 'Close' };

export const theme = createTheme({
  fontFamily: "'Inter Variable', system-ui, sans-serif",
  fontFamilyMonospace: "'JetBrains Mono Variable', ui-monospace, monospace",
  primaryColor: 'tide',
  primaryShade: 8,
  autoContrast: true,
  defaultRadius: 6,
  colors: { tide, dark },
  fontSizes: { xs: '12px', sm: '13px', md: '14px', lg: '16px', xl: '20px' },
  headings: { fontWeight: '620' },
  respectReducedMotion: true,
  components: {
    Button: Button.extend({ defaultProps: { size: 'xs' } }),
    ActionIcon: ActionIcon.extend({ defaultProps: { variant: 'subtle', color: 'gray', size: 28 } }),
    TextInput: TextInput.extend({ defaultProps: field }),
    Textarea: Textarea.extend({ defaultProps: field }),
    NumberInput: NumberInput.extend({ defaultProps: field }),
    Select: Select.extend({ defaultProps: field }),
    Switch: Switch.extend({ defaultProps: field }),
    SegmentedControl: SegmentedControl.extend({ defaultProps: field }),
    Menu: Menu.extend({
      defaultProps: { shadow: 'md', position: 'bottom-end', transitionProps: { duration: 80 } },
    }),
    Modal: Modal.extend({
      defaultProps: { centered: true, closeButtonProps: CLOSE, transitionProps: { duration: 120 } },
    }),
    Notification: Notification.extend({ defaultProps: { closeButtonProps: CLOSE } }),
    Tooltip: Tooltip.extend({ defaultProps: { openDelay: 350, transitionProps: { duration: 80 } } }),
  },
});

/** Mantine's dimmed text and light variants miss WCAG AA as they come; surfaces follow our tokens. */
export const resolveVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-body': '#ffffff',
    '--mantine-color-text': '#17202a',
    '--mantine-color-dimmed': '#56616d',
    '--mantine-color-placeholder': '#6b7682',
    '--mantine-color-default-border': '#c2ccd6',
    '--mantine-color-tide-light': '#e0edf7',
    '--mantine-color-tide-light-hover': '#d2e4f2',
    '--mantine-color-tide-light-color': '#134c72',
    '--mantine-color-gray-light-color': '#3b4751',
    '--mantine-color-error': '#b3261e',
    '--mantine-color-red-light': '#fdeaea',
    '--mantine-color-red-light-color': '#9c1c15',
    '--mantine-color-anchor': '#1b5f8c',
  },
  dark: {
    '--mantine-color-body': '#171d22',
    '--mantine-color-text': '#e3e9ee',
    '--mantine-color-dimmed': '#a3b0bb',
    '--mantine-color-placeholder': '#8b98a4',
    '--mantine-color-default': '#1b2228',
    '--mantine-color-default-hover': '#20282f',
    '--mantine-color-default-border': '#3b4751',
    '--mantine-color-tide-light': '#1b3345',
    '--mantine-color-tide-light-hover': '#21405a',
    '--mantine-color-tide-light-color': '#a5d2f0',
    '--mantine-color-gray-light-color': '#c9d3db',
    '--mantine-color-error': '#f59a94',
    '--mantine-color-red-light': '#401c1c',
    '--mantine-color-red-light-color': '#f8b4af',
    '--mantine-color-anchor': '#7dbbe4',
  },
});
