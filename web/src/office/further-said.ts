import { useContext } from "preact/hooks";
import { written } from "../numbers";
import { Sharing } from "../ui";
import { furtherWords } from "./further-words";

const PERMILLE_OF_PERCENT = 10;

/** The words of the further figures, with the ways in which they write numbers. */
export function useFurther() {
  const { language } = useContext(Sharing);
  const words = furtherWords[language];
  const number = (value: number, digits = 0) => written(value, language, digits);
  const percent = (permille: number) => words.percent(number(permille / PERMILLE_OF_PERCENT, 1));
  return { ...words, language, number, percent };
}
