import { useContext } from "preact/hooks";
import { get } from "../api";
import { written } from "../numbers";
import { officeWords } from "../office/words";
import { moment } from "../time";
import { Empty, Failed, Heading, Link, Sharing, useAsked, Waiting } from "../ui";

const SHOWN_MAX = "200";

/** The distributions behind a figure of the equity board, newest first. */
export default function Distributions() {
  const { language } = useContext(Sharing);
  const say = officeWords[language];
  const query = new URLSearchParams(location.search);
  const [region, item] = [query.get("wilayah") ?? "", query.get("barang") ?? ""];
  const { found, fault, again } = useAsked(() => get("/aid/distributions", { query: { limit: SHOWN_MAX, ...(region ? { region } : {}) } }));
  const rows = found?.items.flatMap((one) => {
    const quantity = one.lines.filter((line) => !item || line.item === item).reduce((sum, line) => sum + line.quantity, 0);
    return quantity > 0 ? [{ one, quantity }] : [];
  });
  return (
    <div class="wide">
      <Heading>{say.rowsTitle(region || say.province)}</Heading>
      <p>{item}</p>
      <Link to="/ringkasan" kind="second">{say.toOverview}</Link>
      {fault !== undefined && <Failed fault={fault} again={again} />}
      {!rows && fault === undefined && <Waiting what={say.loading} />}
      {rows?.length === 0 && <Empty title={say.emptyRows} help={say.emptyRowsHelp} />}
      {rows && rows.length > 0 && (
        <div class="rows" tabIndex={0} role="group" aria-label={say.rowsTitle(region || say.province)}>
          <table>
            <thead>
              <tr><th scope="col">{say.date}</th><th scope="col">{say.number}</th><th scope="col">{say.programme}</th><th scope="col">{say.place}</th><th scope="col" class="figure">{say.handedOut}</th></tr>
            </thead>
            <tbody>
              {rows.map(({ one, quantity }) => (
                <tr key={one.id}>
                  <td><time dateTime={one.occurred_at}>{moment(one.occurred_at, language)}</time></td>
                  <th scope="row"><a href={`/aid/postings/${one.posting_id}/paper`}>{one.number}</a>{one.void_posting_id && ` (${say.voided})`}</th>
                  <td>{say.programmes[one.programme] ?? one.programme}</td>
                  <td>{one.place}</td>
                  <td class="figure">{written(quantity, language)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}
