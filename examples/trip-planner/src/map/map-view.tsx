import type { KeyboardEvent } from 'react';
import { pressKey } from './scene-camera.ts';
import { type SceneProps, useScene } from './use-scene.ts';

/** The world as a chart: cities, the route, people. Drag, wheel, pinch, double press; arrows, + and −, Home, Enter. */
export function MapView(props: SceneProps) {
  const { stops, onPick } = props;
  const { host, base, over, scene } = useScene(props);
  const onKeyDown = (e: KeyboardEvent) => {
    const map = scene.current;
    if (map !== null && pressKey(e, map, stops, () => onPick(map.pick(), true))) e.preventDefault();
  };
  return (
    <div
      ref={host}
      className="map"
      role="application"
      aria-roledescription="map"
      aria-label={`World map with a route of ${stops.length} stops`}
      aria-describedby="map-keys"
      tabIndex={0}
      onKeyDown={onKeyDown}
      onFocus={(e) => scene.current?.setAim(e.currentTarget.matches(':focus-visible'))}
      onBlur={() => scene.current?.setAim(false)}
    >
      <canvas ref={base} />
      <canvas ref={over} />
      <p id="map-keys" className="unseen">
        Arrow keys move the map, plus and minus zoom, Home shows the whole route, Enter opens the city in the middle. The list of stops
        holds the same route as text.
      </p>
    </div>
  );
}
