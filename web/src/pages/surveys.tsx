import { all, get, type OwnSurvey } from "../api";
import { ownWords } from "../own/words";
import { day, moment } from "../time";
import { Empty, Failed, Heading, useAsked, useWords, Waiting } from "../ui";

const PAGE_MAX = "50";

/** The surveys that ask an owner's businesses; each is answered on the page behind its link, as by the one in a message. */
export default function Surveys() {
  const words = useWords();
  const say = ownWords[words.language];
  const { found, fault, again } = useAsked(() =>
    all((cursor) => get("/registration/my/surveys", { query: { limit: PAGE_MAX, ...(cursor ? { cursor } : {}) } })),
  );
  return (
    <>
      <Heading>{words.surveys}</Heading>
      <p>{say.surveysLead}</p>
      {fault !== undefined && <Failed fault={fault} again={again} />}
      {!found && fault === undefined && <Waiting what={say.loadSurveys} />}
      {found?.length === 0 && <Empty title={say.emptySurveys} help={say.emptySurveysHelp} />}
      {found?.map((one) => <Survey key={one.survey_id + one.business_id} one={one} />)}
    </>
  );
}

function Survey({ one }: { one: OwnSurvey }) {
  const words = useWords();
  const say = ownWords[words.language];
  const title = `title-${one.survey_id}-${one.business_id}`;
  return (
    <article class={one.code && !one.answered_at ? "card unread" : "card"} aria-labelledby={title}>
      <h2 id={title}>{one.title}</h2>
      <p>{words.forBusiness(one.business_name)}</p>
      <p><strong>{stands(one, words.language)}</strong></p>
      {one.code && one.answered_at && <p>{say.answeredOnPaper}</p>}
      {one.code && <a class="button" href={`/registration/survey-links/${one.code}`}>{isBegun(one.code) ? say.toGoOn : say.toAnswer}</a>}
    </article>
  );
}

function stands(one: OwnSurvey, language: "id" | "en"): string {
  const say = ownWords[language];
  if (one.answered_at) return say.answered(moment(one.answered_at, language));
  if (one.code) return say.answerUntil(day(one.closes_on, language));
  return { planned: say.planned, closed: say.closed, open: say.notPossible }[one.state];
}

/** The page behind a link keeps what was filled in, under this name. */
function isBegun(code: string): boolean {
  return localStorage.getItem(`serumpun.survey.${code}`) !== null;
}
