/** For those who have not said their name yet: short, easily told apart, from all over. */
export const NAMES: readonly string[] = [
  ...[
    'Ada',
    'Aiko',
    'Alba',
    'Amara',
    'Anouk',
    'Arvo',
    'Aylin',
    'Bela',
    'Beno',
    'Birgit',
    'Boris',
    'Bruna',
    'Carlo',
    'Chidi',
    'Clara',
    'Dalia',
  ],
  ...[
    'Dario',
    'Desta',
    'Dilip',
    'Dunja',
    'Edda',
    'Elio',
    'Emre',
    'Enzo',
    'Esra',
    'Farid',
    'Fenna',
    'Fiona',
    'Freya',
    'Gael',
    'Gita',
    'Goro',
  ],
  ...['Greta', 'Hana', 'Hugo', 'Ida', 'Idris', 'Ilse', 'Imani', 'Ines', 'Ivo', 'Jaya', 'Jo', 'Jonas', 'Juno', 'Kaito', 'Kalle', 'Keiko'],
  ...['Kofi', 'Lale', 'Leif', 'Lior', 'Lucia', 'Malik', 'Marta', 'Mei', 'Milos', 'Mina', 'Moana', 'Nadia', 'Nils', 'Noor', 'Nuno', 'Odile'],
  ...[
    'Olga',
    'Omar',
    'Oskar',
    'Paola',
    'Pavel',
    'Petra',
    'Priya',
    'Quim',
    'Rafa',
    'Ravi',
    'Renke',
    'Rosa',
    'Runa',
    'Samir',
    'Saskia',
    'Selma',
  ],
  ...['Simo', 'Sofia', 'Sven', 'Tara', 'Tove', 'Tomas', 'Uma', 'Urs', 'Vera', 'Viggo', 'Wanda', 'Wim', 'Xenia', 'Yara', 'Yuki', 'Zola'],
];

/** One of them that none of these people has, while there is one. `random`: from 0 to below 1. */
export function inventName(random: number, taken: readonly string[] = []): string {
  const free = NAMES.filter((name) => !taken.includes(name));
  const pool = free.length > 0 ? free : NAMES;
  return pool[Math.floor(random * pool.length)] ?? 'Guest';
}
