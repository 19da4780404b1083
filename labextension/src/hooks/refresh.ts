import React from 'react';

/**
 * How often the user has asked for everything in a panel anew. Each question in it is then asked
 * again, and what is drawn stays.
 */
export const RefreshContext = React.createContext(0);
