/** Another method in the place of the product's own, until the answer is called: for deliberate bugs. */
export function replaced<Type extends object, Name extends keyof Type>(prototype: Type, name: Name, method: Type[Name]): () => void {
  const before = prototype[name];
  prototype[name] = method;
  return () => {
    prototype[name] = before;
  };
}
