import { useEffect, useState } from 'react';

/** A value once it has not changed for `wait` milliseconds; an empty text counts at once. */
export function useSettled(value: string, wait: number): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), value ? wait : 0);
    return () => clearTimeout(timer);
  }, [value, wait]);
  return value ? settled : '';
}
