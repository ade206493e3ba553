"""Closed lists of English words. They hint at grammar; a word in none of them is a content word."""

from __future__ import annotations

from typing import Literal

Gender = Literal["he", "she", "it", "they"]
"""A class of pronouns, named by one of it."""


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_GENDERS: dict[Gender, str] = {
    "he": "he him his himself",
    "she": "she her hers herself",
    "it": "it its itself",
    "they": "they them their theirs themselves",
}
MOTION = _words("""go goes going went gone come came travel travelled traveled move moved get got return
    returned fly flew flown send sent""")
PRONOUNS: dict[str, Gender] = {
    word: gender for gender, listed in _GENDERS.items() for word in listed.split()
}
POSSESSIVES = _words("his its their theirs hers her")
DEMONSTRATIVES: dict[str, Gender] = {"this": "it", "that": "it", "these": "they", "those": "they"}
SPEAKERS = _words("i me my mine we us our ours you your yours")

ARTICLES = _words("a an the")
DETERMINERS = (
    ARTICLES
    | frozenset(DEMONSTRATIVES)
    | _words("my our your his her its their whose which what some any no each every another both")
)
QUANTIFIERS = _words("many much few several more most other all multiple various certain such")
CARDINALS = _words(
    "one two three four five six seven eight nine ten eleven twelve hundred thousand million billion"
)
ORDINALS: dict[str, int] = {
    "first": 0,
    "1st": 0,
    "former": 0,
    "second": 1,
    "2nd": 1,
    "third": 2,
    "3rd": 2,
    "fourth": 3,
    "4th": 3,
    "fifth": 4,
    "last": -1,
    "latter": -1,
}

WH = _words("who whom whose what which when where why how")
ADJUNCTS = _words("when where why how")
"""Ask for no part that the sentence cannot do without."""
DO = _words("do does did")
MODALS = _words("can could will would shall should may might must")
BE = _words("is are was were am")
HAVE = _words("has have had")
CONTRACTED = _words("""isn't aren't wasn't weren't don't doesn't didn't hasn't haven't hadn't can't
    couldn't won't wouldn't shouldn't mustn't""")
AUXILIARIES = DO | MODALS | BE | HAVE | CONTRACTED

PREPOSITIONS = _words("""about above across after against along amid among around as at before behind
    below beside besides between beyond by despite during except for from in inside into like near
    of off on onto out outside over per regarding since than through throughout to toward towards
    under until up upon via with within without""")
PLACING = _words("in at near into inside outside across around")
CLAUSES = _words("""and but or because when while although though if that before after since whether
    who which where how why what unless until whom""")
"""Open a clause of their own."""
OPENERS = _words("and but or so ok okay well also now yes no right thanks thank great please hi")
"""Words that tie a question to what was said and add nothing."""

TIMES = _words(
    "day days week month year years time date era period decade century season summer "
    "winter spring autumn today yesterday tomorrow"
)

LIGHT_WORDS = _words("""a about after all also am an and any are as at be been before but by can could did do does done
    during each for from get had has have he her him his how i if in into is it its just like made make many me more
    most much my no not of on or other our out over said she should so some such tell than that the their them then
    there these they this those to under up us was we were what when where which while who whom whose why will with
    would you your""")
"""Function words that say nothing at all; others, such as `must` and `until`, are looked for."""
FUNCTION_WORDS = (
    LIGHT_WORDS
    | frozenset(PRONOUNS)
    | frozenset(DEMONSTRATIVES)
    | SPEAKERS
    | DETERMINERS
    | WH
    | AUXILIARIES
    | PREPOSITIONS
    | CLAUSES
    | OPENERS
    | QUANTIFIERS
    | _words("""according cannot doing done further hardly having including indeed made
    make none oh said say says whereas yeah get following furthermore moreover
    then be been being not n't there here then thus hence also too very just only even ever
    never still yet already again ago back away once twice else both either neither nor rather quite
    almost about whose how's what's who's it's that's there's he's she's they're let's i'm you're
    however therefore instead maybe perhaps together later earlier soon often always usually
    sometimes much many more most less least few several all any some each every other others
    another same such own up down out on off over under one ones something anything nothing
    everything someone anyone everyone nobody himself herself itself themselves it yes no don't
    is are was were do does did know tell please etc whether upon than as if""")
)
"""Words that say nothing of what a text is about."""

IRREGULAR = {
    pair.partition("/")[2]: pair.partition("/")[0]
    for pair in _words("""
    leave/left go/went go/gone come/came send/sent meet/met hold/held make/made take/took
    take/taken give/gave give/given win/won lose/lost buy/bought sell/sold fall/fell fall/fallen
    rise/rose rise/risen grow/grew grow/grown begin/began begin/begun become/became lead/led
    pay/paid tell/told keep/kept build/built write/wrote write/written speak/spoke speak/spoken
    break/broke break/broken choose/chose choose/chosen drive/drove drive/driven fly/flew fly/flown
    know/knew know/known see/saw see/seen shoot/shot stand/stood strike/struck teach/taught
    think/thought bring/brought catch/caught fight/fought man/men woman/women child/children
    life/lives steal/stole steal/stolen wear/wore wear/worn sing/sang sing/sung run/ran get/got
    eat/ate bear/bore bear/born seek/sought spend/spent feel/felt deal/dealt mean/meant""")
}
"""Forms that no ending tells, and what they are forms of."""

NOT_NOUNS = _words("""say says said make makes made take takes took taken give gives gave given get
    gets got go goes went gone come comes came become became begin begins began begun see sees saw
    seen know knows knew known think thinks thought believe mean means meant find finds found tell
    tells told ask asks leave leaves left keep keeps kept let lets put puts ran wins won lose loses
    lost write writes wrote written bring brings brought hold holds held meet meets met send sends
    sent pay pays paid built broke broken spend spent feel feels felt hear hears heard speak spoke
    stand stood sit sat grow grew grown fell rose choose chose chosen led draw drew drawn drove sing
    sang sung wear wore eat ate die dies happen happens include includes contain contains remain
    remains seem seems appear appears continue continues allow allows follow follows provide
    provides create creates require requires receive receives involve involves describe describes
    develop develops produces perform performs publish suggest suggests consider considers decide
    decides oversee oversees oversaw sell sells sold buy buys bought teach taught fought caught
    learn learns explain explains affect affects prevent prevents protect protects apply applies
    differ differs compare add adds occur occurs exist exists belong needs needed want wants likes
    try tries turns joins signs plays uses moves helps covers attend graduate retire resign disband
    relate respond react agree agrees confirm accuse expand arrive arrives carry announce
    having being doing going making taking getting able available important possible necessary
    famous successful popular due likely similar different interesting significant notable old""")
"""Verbs, and adjectives that seldom stand before a noun they belong to in a question."""
BASE_VERBS = _words("""say make take give get go come become begin see know think believe mean find
    tell ask leave keep let put run win lose write bring hold meet send pay build break spend feel
    hear speak stand sit grow fall rise choose lead draw drive sing wear eat drink die happen
    include contain remain seem appear cause continue allow follow provide create require receive
    involve describe develop produce perform publish suggest consider decide oversee sell buy teach
    fight catch learn read explain affect prevent protect replace apply differ compare add occur
    exist belong work use need want like love start stop move live play help try call change turn
    join sign tour record release set cost show cover end open close visit report test support
    claim plan rank marry study attend graduate direct act respond react retire resign disband
    relate deploy agree object announce confirm accuse expand arrive launch view do have look talk
    discuss score earn offer reach return serve raise train treat measure install configure enable
    connect access differ handle manage store last vary form team break refuse vote lift carry watch
    influence feature face beat deal deny argue criticize praise impact benefit increase reduce""")

PEOPLE = _words("""man woman boy girl person president minister chief leader king queen prince
    princess general secretary chairman chairwoman director author writer singer actor actress
    artist analyst expert scientist doctor professor teacher lawyer judge officer player coach
    captain manager founder owner ceo boss spokesman spokeswoman spokesperson official ambassador
    envoy senator governor mayor wife husband son daughter father mother brother sister uncle aunt
    friend partner student worker employee engineer producer composer guitarist drummer bassist
    pianist musician poet politician journalist reporter editor critic soldier commander inventor
    researcher wrestler boxer quarterback pitcher champion candidate chancellor emperor pope bishop
    guy lady victim suspect witness patient customer user""")
MALE = _words("""he man boy king prince chairman spokesman husband son father brother uncle actor mr
    sir lord guy emperor pope grandfather""")
FEMALE = _words("""she woman girl queen princess chairwoman spokeswoman wife daughter mother sister
    aunt actress mrs ms miss lady madam dame grandmother""")
TITLES = _words("""mr mrs ms miss dr prof professor president minister senator governor general sir
    lord lady king queen prince princess chancellor captain colonel judge pope saint dame chairman
    secretary ambassador mayor leader analyst""")
ABBREVIATIONS = _words("mr mrs ms dr prof st gen sen gov jr sr no vs inc ltd co u.s")
GROUPS = _words("""band group team company government party agency committee council court army
    union league club family ministry department university school college bank corporation firm
    organisation organization association institute police parliament congress senate board crew
    orchestra administration regime nation country state states kingdom republic staff""")
DEMONYMS = _words("""american british french german russian ukrainian chinese japanese korean indian italian
    spanish dutch greek turkish polish swiss swedish danish norwegian finnish irish scottish welsh
    english canadian mexican brazilian australian african european asian israeli iranian iraqi
    egyptian jewish christian muslim catholic western eastern northern southern soviet u.s uk eu""")
GROUP_NAMES = GROUPS | _words("""inc ltd corp llc gmbh foundation society brothers records studios
    city county island river street house news times post korea america africa europe asia
    east""")
COUNTRIES = _words("""afghanistan albania algeria andorra angola argentina armenia australia austria azerbaijan
    bahamas bahrain bangladesh barbados belarus belgium belize benin bhutan bolivia botswana brazil britain brunei
    bulgaria burundi cambodia cameroon canada chile china colombia congo croatia cuba cyprus czechia denmark
    djibouti dominica ecuador egypt england eritrea estonia ethiopia fiji finland france gabon gambia georgia germany
    ghana greece greenland grenada guatemala guinea guyana haiti honduras hungary iceland india indonesia iran iraq
    ireland israel italy jamaica japan kazakhstan kenya kosovo kuwait kyrgyzstan laos latvia lebanon lesotho
    liberia libya liechtenstein lithuania luxembourg madagascar malawi malaysia maldives mali malta mauritania
    mauritius mexico moldova monaco mongolia montenegro morocco mozambique myanmar namibia nepal netherlands
    nicaragua niger nigeria norway oman pakistan palau palestine panama paraguay peru philippines poland portugal
    qatar romania russia rwanda samoa scotland senegal serbia seychelles singapore slovakia slovenia somalia spain
    sudan suriname sweden switzerland syria taiwan tajikistan tanzania thailand togo tonga tunisia turkey
    turkmenistan uganda ukraine uruguay uzbekistan vanuatu venezuela vietnam wales yemen zambia zimbabwe
    eu nato un uk u.k us u.s usa
    amsterdam ankara athens baghdad bangkok barcelona beijing berlin boston brussels budapest cairo california chicago
    copenhagen delhi dublin florida hamburg helsinki hongkong istanbul jakarta jerusalem kabul kyiv lagos lisbon
    london madrid manila melbourne milan montreal moscow mumbai munich nairobi oslo ottawa paris prague rome seoul
    shanghai stockholm sydney tehran texas tokyo toronto vienna warsaw washington zurich""")
"""Countries and large cities of one word."""
MEN = _words("""james john robert michael william david richard joseph thomas charles christopher
    daniel matthew anthony mark donald steven paul andrew joshua kenneth kevin brian george edward
    ronald timothy jason jeffrey ryan jacob gary nicholas eric jonathan stephen larry justin scott
    brandon benjamin samuel gregory frank alexander raymond patrick jack dennis jerry tyler aaron
    jose henry adam douglas nathan peter zachary kyle walter harold jeremy ethan carl keith roger
    arthur terry lawrence albert joe bob bill jim tom mike steve dave dan ben sam tim ron bruce
    harry fred ralph roy louis philip bobby johnny martin ernest vladimir sergei dmitry ivan
    mikhail boris hans fritz jean pierre luis juan carlos pedro mohammed muhammad ahmed ali omar
    hassan kim alfred allen andre anton antonio bernard bernie bradley brad chris clint craig curtis
    derek dean don duke eddie edgar edwin elvis eugene francis franklin geoff gerald glenn gordon
    graham greg herbert howard hugh ian jake jay jeff jerome jimmy joel jon juan karl ken kurt
    leonard lewis lou lucas luke marcus marvin max miles milton neil nick norman oliver oscar otto
    pablo pat perry phil ralph randy ray reginald rex richie rick rob rod rodney ronnie ross russell
    sean sergey shawn sidney stanley stuart ted theodore todd tommy tony travis vincent wayne will
    willie winston woody xi yuri""")
WOMEN = _words("""mary patricia jennifer linda elizabeth barbara susan jessica sarah karen lisa nancy
    betty margaret sandra ashley kimberly emily donna michelle carol amanda melissa deborah
    stephanie rebecca sharon laura cynthia dorothy amy kathleen angela shirley brenda emma anna
    pamela nicole samantha katherine christine helen debra rachel carolyn janet maria catherine
    heather diane olivia julie joyce victoria ruth virginia lauren kelly christina joan evelyn
    judith andrea hannah megan cheryl jacqueline martha madison teresa gloria sara janice ann
    kathryn abigail sophia frances jean alice judy julia grace denise amber marilyn beverly
    danielle theresa diana natalie brittany charlotte marie rose angelina ursula svetlana olga
    fatima aisha ingrid jane kate lucy ella janis britney audra beth beyonce billie bonnie carrie
    celine cher claire claudia courtney doris ellen elena erin florence gwen hillary irene jackie
    jenny jill jo josephine kathy katy kelly kim kristen leontyne lily loretta lynn madonna mariah
    mia miley monica naomi natasha nina norma olga patti paula peggy penny rihanna rita rosa ruby
    sally sheryl shania stacy sue suzanne sylvia tamar tina tippi tori valerie vanessa wendy
    whitney yoko zoe""")

BRIDGES = _words("""album song film movie book band group team company show series match game tour role
    event incident accident article document author agreement deal law war single record project work
    visit concert performance award result reason effect impact system product""")
"""What is part of something greater or has a name of its own: "the film" is some film spoken of."""
