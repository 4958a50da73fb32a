import { all, get, type OwnCertificate } from "../api";
import { ownWords } from "../own/words";
import { day, moment } from "../time";
import { Empty, Failed, Heading, Link, useAsked, useWords, Waiting } from "../ui";

const PAGE_MAX = "50";

/** The certificates of an owner's businesses, each to be downloaded and to be shown to everybody. */
export default function Certificates() {
  const words = useWords();
  const say = ownWords[words.language];
  const { found, fault, again } = useAsked(() =>
    all((cursor) => get("/registration/my/certificates", { query: { limit: PAGE_MAX, ...(cursor ? { cursor } : {}) } })),
  );
  return (
    <>
      <Heading>{words.certificates}</Heading>
      <p>{say.certificatesLead}</p>
      {fault !== undefined && <Failed fault={fault} again={again} />}
      {!found && fault === undefined && <Waiting what={say.loadCertificates} />}
      {found?.length === 0 && (
        <>
          <Empty title={say.emptyCertificates} help={say.emptyCertificatesHelp} />
          <Link to="/pelatihan" kind="button">{say.toSeats}</Link>
        </>
      )}
      {found?.map((one) => <Certificate key={one.id} one={one} />)}
    </>
  );
}

function Certificate({ one }: { one: OwnCertificate }) {
  const { language } = useWords();
  const say = ownWords[language];
  const days = [...new Set([one.starts_on, one.ends_on])].map((on) => day(on, language)).join(" – ");
  return (
    <article class="card" aria-labelledby={`title-${one.id}`}>
      <h2 id={`title-${one.id}`}>{one.title}</h2>
      <p><strong>{say.state[one.state]}</strong></p>
      {one.revoked_at && <p>{say.revokedSince(moment(one.revoked_at, language), one.revoke_reason ?? "")}</p>}
      <dl class="facts">
        <dt>{say.number}</dt><dd>{one.number}</dd>
        <dt>{say.business}</dt><dd>{one.business_name}</dd>
        <dt>{say.days}</dt><dd>{days}</dd>
        <dt>{say.attended}</dt><dd>{say.attendedOf(one.attended, one.held)}</dd>
        <dt>{say.issued}</dt><dd>{moment(one.issued_at, language)}</dd>
      </dl>
      <div class="tools">
        <a class="button" href={`/registration/certificates/${one.id}/paper`} download={`${one.number}.pdf`} aria-label={say.of(say.download, one.number)}>{say.download}</a>
        <a class="second" href={`/registration/certificate-pages/${encodeURIComponent(one.code)}`} aria-label={say.of(say.publicPage, one.number)}>{say.publicPage}</a>
      </div>
    </article>
  );
}
