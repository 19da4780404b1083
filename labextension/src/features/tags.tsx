import React from 'react';

import { Tag } from '../components/tag';

/** Tags with their values, as the definitions have them. */
export type FeastTags = Readonly<Record<string, string>>;

/** Each tag as it is searched and typed: `team=growth`, `gold`. */
export const tagWords = (tags: FeastTags): string[] =>
  Object.entries(tags).map(([name, value]) => (value ? `${name}=${value}` : name));

export const tagged = (tags: FeastTags): React.ReactNode[] =>
  tagWords(tags).map(word => <Tag key={word}>{word}</Tag>);
