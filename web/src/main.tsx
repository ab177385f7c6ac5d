import { createRoot } from 'react-dom/client';
import { App } from './app/App.tsx';

const root = document.getElementById('root');
if (!root) throw new Error('Invariant broken: index.html has no #root');
createRoot(root).render(<App />);
