import { useContext } from "preact/hooks";
import { Chosen } from "./chosen";
import { Decline } from "./decline";
import { Funnel } from "./funnel";
import { Loop } from "./loop";
import { Pressure } from "./pressure";
import { Seats } from "./seats";

/** The further figures of the overview; each is asked for by itself, so that none waits for another. */
export default function Further() {
  const item = useContext(Chosen);
  return (
    <>
      <Decline />
      <Pressure />
      <Seats />
      {item && <Loop key={item.code} item={item} />}
      <Funnel />
    </>
  );
}
