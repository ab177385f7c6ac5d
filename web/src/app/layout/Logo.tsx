/** The mark of Millrace: water on its way. */
export function Logo({ size }: { size: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="#1b5f8c" />
      <g fill="none" stroke="#fff" strokeWidth="2.6" strokeLinecap="round">
        <path d="M6 11c3.4 0 3.4 3 6.7 3s3.3-3 6.6-3 3.3 3 6.7 3" opacity=".55" />
        <path d="M6 18c3.4 0 3.4 3 6.7 3s3.3-3 6.6-3 3.3 3 6.7 3" />
      </g>
    </svg>
  );
}
